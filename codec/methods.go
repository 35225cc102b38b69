package codec

import (
	"encoding"
	"fmt"
	"reflect"
	"sync"
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
	write       func(receiver any, dst []byte) ([]byte, error) // by the appender
	marshal     func(receiver any) ([]byte, error)
	read        func(receiver any, src []byte) error

	appends sync.Map // whether the appender writes, by type of the receiver
}

var textMethods = &methodSet{
	name:        "Text",
	appender:    reflect.TypeFor[encoding.TextAppender](),
	marshaler:   reflect.TypeFor[encoding.TextMarshaler](),
	unmarshaler: reflect.TypeFor[encoding.TextUnmarshaler](),
	write: func(receiver any, dst []byte) ([]byte, error) {
		return receiver.(encoding.TextAppender).AppendText(dst)
	},
	marshal: func(receiver any) ([]byte, error) {
		return receiver.(encoding.TextMarshaler).MarshalText()
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
		return receiver.(encoding.BinaryAppender).AppendBinary(dst)
	},
	marshal: func(receiver any) ([]byte, error) {
		return receiver.(encoding.BinaryMarshaler).MarshalBinary()
	},
	read: func(receiver any, src []byte) error {
		return receiver.(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
	},
}

// has reports whether t has the methods. Writing without reading, or reading
// without writing, is an error, and so are methods of an embedded type that lose fields.
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
	if writes {
		if err := promotionLoss(t, m.writer(r), func(reflect.StructField) bool { return false }); err != nil {
			return false, fmt.Errorf("codec: %v is not stored whole: %w", t, err)
		}
	}
	return writes, nil
}

// writer returns the name of the method by which a receiver of type r is written.
func (m *methodSet) writer(r reflect.Type) string {
	if m.isAppended(r) {
		return "Append" + m.name
	}
	return "Marshal" + m.name
}

// isAppended reports whether a receiver of type r is written by the method that appends:
// if it has that, unless it comes from an embedded type and the other does not.
func (m *methodSet) isAppended(r reflect.Type) bool {
	if known, ok := m.appends.Load(r); ok {
		return known.(bool)
	}
	appends := r.Implements(m.appender)
	if appends && r.Implements(m.marshaler) {
		_, promoted := promoter(r.Elem(), "Append"+m.name)
		_, both := promoter(r.Elem(), "Marshal"+m.name)
		appends = !promoted || both
	}
	m.appends.Store(r, appends)
	return appends
}

// append calls the writing method of the variable of type t at p.
func (m *methodSet) append(dst []byte, t reflect.Type, p unsafe.Pointer) ([]byte, error) {
	receiver := reflect.NewAt(t, p)
	if t.Kind() == reflect.Pointer {
		if receiver = receiver.Elem(); receiver.IsNil() {
			return dst, fmt.Errorf("codec: a nil %v has no bytes; it cannot be stored", t)
		}
	}
	b, err := m.contained(t, "Marshal", func() ([]byte, error) {
		if m.isAppended(receiver.Type()) {
			return m.write(receiver.Interface(), dst)
		}
		b, err := m.marshal(receiver.Interface())
		return append(dst, b...), err
	})
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
