package codec

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// Binary stores what the type's own binary methods write: those of
// encoding.BinaryAppender or BinaryMarshaler, and BinaryUnmarshaler, on V or its
// pointer. A V that is a pointer is allocated when it is read, and nil is
// refused when it is written. Methods of an embedded type that would lose other exported
// fields do not count.
//
// An error or panic of these methods becomes an error that names the type and
// leaves their text out, because it may hold the value. How much memory hostile
// bytes cost is up to the methods.
//
// For a type without the methods the codec's Check, and every use of it, is an
// error.
func Binary[V any]() StringCodec[V] {
	form, err := BinaryFormOf(reflect.TypeFor[V]())
	return String[V](&binaryValue[V]{form, err})
}

type binaryValue[V any] struct {
	form *BinaryForm
	err  error // of BinaryFormOf
}

func (c *binaryValue[V]) Check() error { return c.err }

func (c *binaryValue[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	if c.err != nil {
		return dst, c.err
	}
	return c.form.Append(dst, unsafe.Pointer(&v))
}

func (c *binaryValue[V]) ParseValue(src []byte, v *V) error {
	if c.err != nil {
		return c.err
	}
	return c.form.Parse(src, unsafe.Pointer(v))
}

// A BinaryForm is the binary form of one type that is known only at run time: what
// its own binary methods write. It is what Binary is made of, and safe for concurrent
// use.
type BinaryForm struct{ t reflect.Type }

// BinaryFormOf returns the binary form of t. A type without the methods, or with
// half of them, is an error.
func BinaryFormOf(t reflect.Type) (*BinaryForm, error) {
	if t == nil {
		return nil, errors.New("codec: a nil reflect.Type has no binary form; use reflect.TypeFor")
	}
	own, err := binaryMethods.has(t)
	switch {
	case err != nil:
		return nil, err
	case !own:
		return nil, fmt.Errorf("codec: %v has no binary form; give it MarshalBinary and UnmarshalBinary, or use Msgpack or JSON", t)
	}
	return &BinaryForm{t}, nil
}

// Append appends the bytes of the variable at p, which must be of the form's type,
// and returns the longer slice. On an error it returns dst as it was.
func (f *BinaryForm) Append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	return binaryMethods.append(dst, f.t, p)
}

// Parse sets the variable at p, which must be of the form's type and hold its zero
// value, from src. The error never holds the bytes.
func (f *BinaryForm) Parse(src []byte, p unsafe.Pointer) error {
	return binaryMethods.parse(src, f.t, p)
}
