package codec

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Binary stores what the type's own binary methods write: those of
// encoding.BinaryAppender or BinaryMarshaler, and BinaryUnmarshaler, on V or its
// pointer. A V that is a pointer is allocated when it is read, and nil is
// refused when it is written.
//
// An error or panic of these methods becomes an error that names the type and
// keeps their text back, because it may hold the value. How much memory hostile
// bytes cost is up to the methods.
//
// Of a type without the methods the codec's Check, and every use of it, is an
// error.
func Binary[V any]() StringCodec[V] {
	t := reflect.TypeFor[V]()
	own, err := binaryMethods.has(t)
	if err == nil && !own {
		err = fmt.Errorf("codec: %v has no binary form; give it MarshalBinary and UnmarshalBinary, or use Msgpack or JSON", t)
	}
	return String[V](&binaryValue[V]{t, err})
}

type binaryValue[V any] struct {
	t   reflect.Type
	err error
}

func (c *binaryValue[V]) Check() error { return c.err }

func (c *binaryValue[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	if c.err != nil {
		return dst, c.err
	}
	return binaryMethods.append(dst, c.t, unsafe.Pointer(&v))
}

func (c *binaryValue[V]) ParseValue(src []byte, v *V) error {
	if c.err != nil {
		return c.err
	}
	return binaryMethods.parse(src, c.t, unsafe.Pointer(v))
}
