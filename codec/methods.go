package codec

import (
	"encoding"
	"fmt"
	"reflect"
	"unsafe"
)

// A methodSet is one of the two sets of encoding methods that package encoding
// names. A type has it when it, or its pointer, has the reader and one of the
// writers.
type methodSet struct {
	name        string // Text or Binary, as in MarshalText
	appender    reflect.Type
	marshaler   reflect.Type
	unmarshaler reflect.Type
	write       func(receiver any, dst []byte) ([]byte, error)
	read        func(receiver any, src []byte) error
}

var textMethods = &methodSet{
	name:        "Text",
	appender:    reflect.TypeFor[encoding.TextAppender](),
	marshaler:   reflect.TypeFor[encoding.TextMarshaler](),
	unmarshaler: reflect.TypeFor[encoding.TextUnmarshaler](),
	write: func(receiver any, dst []byte) ([]byte, error) {
		if r, ok := receiver.(encoding.TextAppender); ok {
			return r.AppendText(dst)
		}
		b, err := receiver.(encoding.TextMarshaler).MarshalText()
		return append(dst, b...), err
	},
	read: func(receiver any, src []byte) error {
		return receiver.(encoding.TextUnmarshaler).UnmarshalText(src)
	},
}

var binaryMethods = &methodSet{
	name:        "Binary",
	appender:    reflect.TypeFor[encoding.BinaryAppender](),
	marshaler:   reflect.TypeFor[encoding.BinaryMarshaler](),
	unmarshaler: reflect.TypeFor[encoding.BinaryUnmarshaler](),
	write: func(receiver any, dst []byte) ([]byte, error) {
		if r, ok := receiver.(encoding.BinaryAppender); ok {
			return r.AppendBinary(dst)
		}
		b, err := receiver.(encoding.BinaryMarshaler).MarshalBinary()
		return append(dst, b...), err
	},
	read: func(receiver any, src []byte) error {
		return receiver.(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
	},
}

// has reports whether t has the methods. Writing without reading, or reading
// without writing, is an error.
func (m *methodSet) has(t reflect.Type) (bool, error) {
	if t.Kind() == reflect.Interface {
		return false, nil // says nothing about what is to be read
	}
	r := t
	if t.Kind() != reflect.Pointer {
		r = reflect.PointerTo(t)
	}
	writes := r.Implements(m.appender) || r.Implements(m.marshaler)
	reads := r.Implements(m.unmarshaler)
	if writes != reads {
		half, missing := "written", "Unmarshal"
		if reads {
			half, missing = "read", "Marshal"
		}
		return false, fmt.Errorf("codec: %v can be only %s; give it %s%s", t, half, missing, m.name)
	}
	return writes, nil
}

// append calls the writing method of the variable of type t at p.
func (m *methodSet) append(dst []byte, t reflect.Type, p unsafe.Pointer) ([]byte, error) {
	receiver := reflect.NewAt(t, p)
	if t.Kind() == reflect.Pointer {
		if receiver = receiver.Elem(); receiver.IsNil() {
			return dst, fmt.Errorf("codec: a nil %v has no bytes; it cannot be stored", t)
		}
	}
	b, err := m.contained(t, "Marshal", func() ([]byte, error) { return m.write(receiver.Interface(), dst) })
	if err != nil {
		return dst, err
	}
	return b, nil
}

// parse sets the variable of type t at p with its reading method. A variable
// that is a pointer is pointed to a new variable first.
func (m *methodSet) parse(src []byte, t reflect.Type, p unsafe.Pointer) error {
	receiver := reflect.NewAt(t, p)
	if t.Kind() == reflect.Pointer {
		receiver.Elem().Set(reflect.New(t.Elem()))
		receiver = receiver.Elem()
	}
	_, err := m.contained(t, "Unmarshal", func() ([]byte, error) { return nil, m.read(receiver.Interface(), src) })
	return err
}

// contained calls a method of the user's. Its error or panic comes back opaque.
func (m *methodSet) contained(t reflect.Type, verb string, call func() ([]byte, error)) ([]byte, error) {
	b, err := func() (b []byte, err error) {
		defer contain(&err)
		return call()
	}()
	if err != nil {
		return nil, opaque(fmt.Sprintf("%s%s of %v", verb, m.name, t), err)
	}
	return b, nil
}
