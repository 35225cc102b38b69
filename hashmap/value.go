package hashmap

import (
	"errors"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// A value is the stored form of a type that is known only at run time. p points
// to a variable of the type, which is zero before Parse. The methods have the
// rules of codec.Value, except that an append that fails may return anything.
type value interface {
	Append(dst []byte, p unsafe.Pointer) ([]byte, error)
	Parse(src []byte, p unsafe.Pointer) error
}

// wayOut ends the sentence about a field that has no stored form.
const wayOut = "tag it json or msgpack, or leave it out with `redis:\"-\"`"

// valueOf returns the form of a field of type t, and what t points to if the
// form is that of its element. The errors have no prefix.
func valueOf(t reflect.Type, tag tag) (v value, elem reflect.Type, err error) {
	if kind, never := unstorable(t); never {
		return nil, nil, fmt.Errorf("a %v cannot be stored; leave it out with `redis:\"-\"`", kind)
	}
	switch {
	case tag.json:
		return jsonValue{t}, nil, jsonProblem(t)
	case tag.msgpack:
		v, err = codec.PackedOf(t) // its errors name the way out
		return v, nil, err
	case t.Kind() != reflect.Pointer:
		v, err = scalarOf(t)
		return v, nil, err
	case t.Elem().Kind() == reflect.Pointer:
		return nil, nil, errors.New("a pointer to a pointer cannot tell which of the two is nil; use one pointer, or " + wayOut)
	}
	v, err = scalarOf(t.Elem())
	return v, t.Elem(), err
}

// unstorable reports the kind that no tag can make a stored form of.
func unstorable(t reflect.Type) (reflect.Kind, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		_, err := codec.ScalarOf(t) // its text methods may know a form
		return t.Kind(), err != nil
	}
	return 0, false
}

// A scalar is the form of a field that is one text.
type scalar struct{ writer, reader *codec.Scalar }

func (s scalar) Append(dst []byte, p unsafe.Pointer) ([]byte, error) { return s.writer.Append(dst, p) }
func (s scalar) Parse(src []byte, p unsafe.Pointer) error            { return s.reader.Parse(src, p) }

func scalarOf(t reflect.Type) (value, error) {
	s, err := codec.ScalarOf(t)
	switch {
	case err == nil && t == reflect.TypeFor[time.Duration]():
		return scalar{nanoseconds, s}, nil
	case err == nil:
		return scalar{s, s}, nil
	case t.Kind() == reflect.Struct:
		return nil, fmt.Errorf("%w; or tag it inline, json or msgpack, or leave it out with `redis:\"-\"`", err)
	}
	return nil, fmt.Errorf("%w; or %s", err, wayOut)
}

// nanoseconds writes a time.Duration as go-redis does, which reads nothing else
// back. codec.Text writes 1m30s; both are read.
var nanoseconds, _ = codec.ScalarOf(reflect.TypeFor[int64]())
