package hashmap

import (
	"reflect"
	"time"
	"unsafe"
)

// emptyOf returns whether a variable of type t is stored as no field: a nil
// pointer always, a zero value or an empty slice or map with omitempty, a zero value
// alone with omitzero. nil stands for never.
//
// A zero value has no bit set, so that it is read as it was: -0.0 is kept, and the type's
// own IsZero is not called.
func emptyOf(t reflect.Type, tag tag) func(p unsafe.Pointer) bool {
	switch {
	case t.Kind() == reflect.Pointer:
		return zero[unsafe.Pointer]
	case !tag.omitempty && !tag.omitzero:
		return nil
	case t == reflect.TypeFor[time.Time]():
		return zero[time.Time]
	case !tag.omitempty && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map):
		return zero[unsafe.Pointer] // the first word of nil
	}
	switch t.Kind() {
	case reflect.String:
		return zero[string]
	case reflect.Slice:
		return func(p unsafe.Pointer) bool { return len(*(*[]struct{})(p)) == 0 }
	case reflect.Map:
		return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().Len() == 0 }
	case reflect.Struct, reflect.Array, reflect.Interface:
		return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().IsZero() }
	}
	switch t.Size() {
	case 1:
		return zero[uint8]
	case 2:
		return zero[uint16]
	case 4:
		return zero[uint32]
	}
	return zero[uint64]
}

func zero[E comparable](p unsafe.Pointer) bool {
	var none E
	return *(*E)(p) == none
}
