package codectest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// snapshot writes out all that can be reached from v, so that a change of it can
// be seen. It reads unexported fields too, and follows a pointer once.
func snapshot(v any) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(v), map[uintptr]bool{})
	return b.String()
}

func write(b *strings.Builder, v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			fmt.Fprintf(b, "%#x", v.Pointer())
			return
		}
		seen[v.Pointer()] = true
		write(b, v.Elem(), seen)
	case reflect.Interface:
		if !v.IsNil() {
			fmt.Fprintf(b, "%v:", v.Elem().Type())
			write(b, v.Elem(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fmt.Fprintf(b, "%d:", i)
			write(b, v.Field(i), seen)
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(b, "[%d:", v.Len())
		for i := range v.Len() {
			write(b, v.Index(i), seen)
		}
	case reflect.Map:
		writeMap(b, v, seen)
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprintf(b, "%v;", v) // prints an unexported field's value as well
	}
}

func writeMap(b *strings.Builder, m reflect.Value, seen map[uintptr]bool) {
	var entries []string
	for it := m.MapRange(); it.Next(); {
		var e strings.Builder
		write(&e, it.Key(), seen)
		write(&e, it.Value(), seen)
		entries = append(entries, e.String())
	}
	slices.Sort(entries)
	fmt.Fprintf(b, "{%s}", strings.Join(entries, ","))
}
