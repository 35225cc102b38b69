package hashmap

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// jsonValue is the form of a field tagged json. encoding/json works by
// reflection whoever calls it, so that handing it a typed pointer costs nothing
// that is not spent anyway.
type jsonValue struct{ t reflect.Type }

// anyJSON reads into the pointer that the any holds.
var anyJSON = codec.JSON[any]()

func (v jsonValue) Append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	return anyJSON.AppendValue(dst, reflect.NewAt(v.t, p).Interface())
}

func (v jsonValue) Parse(src []byte, p unsafe.Pointer) error {
	into := reflect.NewAt(v.t, p).Interface()
	return anyJSON.ParseValue(src, &into)
}

// jsonProblem says what encoding/json cannot write or read back of t, which it
// would find out only when a value holds it.
func jsonProblem(t reflect.Type) error {
	w := jsonWalk{seen: map[reflect.Type]bool{}}
	w.walk(t, "")
	return errors.Join(w.problems...)
}

type jsonWalk struct {
	seen     map[reflect.Type]bool
	problems []error
}

// walk looks at t, which is found at the path (".Meta.Hook") within the field.
func (w *jsonWalk) walk(t reflect.Type, path string) {
	if hasJSONMethods(t) {
		return
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		w.report(path, "has no JSON form", t)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			w.report(path, "does not say which type its JSON is to be read as", t)
		}
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Pointer, reflect.Struct:
		if !w.seen[t] { // types can be recursive
			w.seen[t] = true
			w.walkInto(t, path)
		}
	}
}

func (w *jsonWalk) walkInto(t reflect.Type, path string) {
	switch t.Kind() {
	case reflect.Map:
		if !isJSONKey(t.Key()) {
			w.report(path, "has keys that are no JSON keys", t)
		}
		w.walk(t.Elem(), path+"[]")
	case reflect.Slice, reflect.Array:
		w.walk(t.Elem(), path+"[]")
	case reflect.Pointer:
		w.walk(t.Elem(), path)
	case reflect.Struct:
		for f := range t.Fields() {
			if (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" {
				w.walk(f.Type, path+"."+f.Name)
			}
		}
	}
}

func (w *jsonWalk) report(path, what string, t reflect.Type) {
	at, tag := "", "redis"
	if path != "" {
		at = strings.TrimPrefix(path, ".") + ": "
		if strings.Contains(path, ".") {
			tag = "json"
		}
	}
	w.problems = append(w.problems, fmt.Errorf("%sa %v %s; give it MarshalJSON and UnmarshalJSON, or leave it out with `%s:\"-\"`", at, t, what, tag))
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// hasJSONMethods reports whether t, which is no interface, writes and reads
// itself.
func hasJSONMethods(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() != reflect.Interface &&
		(p.Implements(jsonMarshaler) && p.Implements(jsonUnmarshaler) ||
			p.Implements(textMarshaler) && p.Implements(textUnmarshaler))
}

func isJSONKey(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return t.Implements(textMarshaler) && reflect.PointerTo(t).Implements(textUnmarshaler)
}
