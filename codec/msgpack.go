package codec

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"
)

// Msgpack stores MessagePack, wire-compatible with
// github.com/vmihailenco/msgpack/v5: it reads what msgpack.Marshal writes,
// writes the bytes that msgpack.Marshal would write, up to the order of map keys,
// and keeps to the same struct tags. See Packed for the types, and for where it
// is stricter.
//
// How a V is laid out is found out once, when the codec is made: encoding does
// not reflect, save on maps and for types with methods of their own, and does not
// allocate; decoding allocates what the value keeps. A V with encoding methods of
// its own, anywhere inside, is copied to the heap once a call to encode.
//
// Bytes that lack a field which is always written are an ErrOutdated, unless the option
// MissingFieldsAreZero is given.
//
// For a type that cannot be encoded the codec's Check, and every use of it, is an
// error that names the fields. A V that is an interface with methods, error included, is
// one of these: it would not be read as the type that it was. A field of type error is
// stored as its text.
func Msgpack[V any](opts ...Option) StringCodec[V] {
	t := reflect.TypeFor[V]()
	err := concrete("Msgpack", t)
	if err != nil {
		return String[V](&packedValue[V]{err: err})
	}
	p, err := PackedOf(t)
	if err == nil && missingAreZero(opts) {
		p = p.MissingFieldsAreZero()
	}
	return String[V](&packedValue[V]{packed: p, err: err})
}

// concrete returns an error if t is an interface with methods: the bytes of a value do not
// say which of its types to read.
func concrete(codec string, t reflect.Type) error {
	if t.Kind() == reflect.Interface && t.NumMethod() > 0 {
		return fmt.Errorf("codec: %s cannot tell which type to read a %v as; use a concrete type", codec, t)
	}
	return nil
}

type packedValue[V any] struct {
	packed *Packed
	err    error // of PackedOf

	// scratch holds *V for AppendValue, so that its v need not be allocated to
	// be pointed at.
	scratch sync.Pool
}

func (c *packedValue[V]) Check() error { return c.err }

func (c *packedValue[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	if c.err != nil {
		return dst, c.err
	}
	if c.packed.methods { // which may keep their receiver
		own := v
		return c.packed.Append(dst, unsafe.Pointer(&own))
	}
	scratch, _ := c.scratch.Get().(*V)
	if scratch == nil {
		scratch = new(V)
	}
	*scratch = v
	dst, err := c.packed.Append(dst, unsafe.Pointer(scratch))
	clear(unsafe.Slice(scratch, 1)) // the pool must not keep what v points to
	c.scratch.Put(scratch)
	return dst, err
}

func (c *packedValue[V]) ParseValue(src []byte, v *V) error {
	if c.err != nil {
		return c.err
	}
	return c.packed.Parse(src, unsafe.Pointer(v))
}
