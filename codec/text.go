package codec

import (
	"reflect"
	"unsafe"
)

// Text encodes scalars as what a person types into redis-cli: see Scalar for the
// types and their forms. Encoding does not allocate, decoding only what the value
// keeps; types with text methods of their own cost what these cost.
//
// Of a type without a text form the codec's Check, and every use of it, is an
// error.
func Text[V any]() StringCodec[V] {
	s, err := ScalarOf(reflect.TypeFor[V]())
	return String[V](&textValue[V]{s, err})
}

type textValue[V any] struct {
	scalar *Scalar
	err    error // of ScalarOf
}

func (c *textValue[V]) Check() error { return c.err }

func (c *textValue[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	switch {
	case c.err != nil:
		return dst, c.err
	case c.scalar.form == formMethods:
		escaping := v // v itself stays on the stack
		return c.scalar.Append(dst, unsafe.Pointer(&escaping))
	}
	return c.scalar.appendPlain(dst, unsafe.Pointer(&v))
}

func (c *textValue[V]) ParseValue(src []byte, v *V) error {
	if c.err != nil {
		return c.err
	}
	return c.scalar.Parse(src, unsafe.Pointer(v))
}
