package codec

import "errors"

// A Shape is the Redis type that holds a value.
type Shape uint8

// The shapes, by the Redis type they stand for.
const (
	ShapeString    Shape = iota // GET, SET
	ShapeHash                   // HGETALL, HSET
	ShapeList                   // LRANGE, RPUSH
	ShapeSet                    // SMEMBERS, SADD
	ShapeSortedSet              // ZRANGE, ZADD
)

// String returns the type's name as Redis's TYPE command prints it.
func (s Shape) String() string {
	switch s {
	case ShapeString:
		return "string"
	case ShapeHash:
		return "hash"
	case ShapeList:
		return "list"
	case ShapeSet:
		return "set"
	case ShapeSortedSet:
		return "zset"
	}
	return "unknown"
}

// A Value turns one V into one byte string and back: what a string key, a list
// element or a hash field holds. It must be safe for concurrent use.
//
// AppendValue appends the bytes of v to dst and returns the longer slice; on an
// error dst is returned as it was. ParseValue sets *v, which is the zero value,
// from src. src is valid until ParseValue returns and must not be written to, so
// that what *v keeps of it has to be copied.
//
// Bytes that no AppendValue wrote are an error, never a panic, and cost memory in
// proportion to len(src). No error holds the bytes or the value.
type Value[V any] interface {
	AppendValue(dst []byte, v V) ([]byte, error)
	ParseValue(src []byte, v *V) error
}

// A Codec turns one V into all that one Redis key holds and back. It must be
// safe for concurrent use; the Wire belongs to the call.
//
// Encode adds the spans of *v to an empty w and leaves *v alone; no span may share
// memory with *v, which the caller may change. Decode sets *v, which is the zero value,
// from the spans of w; what *v keeps of them has to be copied. The rules of Value about
// hostile bytes and errors hold for Decode.
type Codec[V any] interface {
	Shape() Shape
	Encode(w *Wire, v *V) error
	Decode(w *Wire, v *V) error
}

// A Checker is a codec or value that can be built wrongly, for example for a type that it
// has no encoding for. cache.New calls Check before the codec is used, and returns its
// error. Wrappers call the Check of what they wrap.
type Checker interface {
	Check() error
}

// check returns the error of c's Check, nil if it has none.
func check(c any) error {
	if c, ok := c.(Checker); ok {
		return c.Check()
	}
	return nil
}

// A StringCodec keeps one Value in a Redis string. It is a Value as well as a
// Codec, so that it can be wrapped, or be an element of another shape.
type StringCodec[V any] struct {
	Value[V]
}

// String makes a Value a Codec of ShapeString: the key holds the value's bytes
// and nothing else.
func String[V any](v Value[V]) StringCodec[V] {
	return StringCodec[V]{v}
}

// Shape returns ShapeString.
func (StringCodec[V]) Shape() Shape { return ShapeString }

// Encode implements Codec.
func (c StringCodec[V]) Encode(w *Wire, v *V) error {
	b, err := c.AppendValue(w.Scratch(), *v)
	if err != nil {
		return err
	}
	w.Keep(nil, b)
	return nil
}

// Decode implements Codec.
func (c StringCodec[V]) Decode(w *Wire, v *V) error {
	b, err := w.Sole()
	if err != nil {
		return err
	}
	return c.ParseValue(b, v)
}

// Check implements Checker.
func (c StringCodec[V]) Check() error {
	if c.Value == nil {
		return errors.New("codec: a StringCodec without a Value; make one with String")
	}
	return check(c.Value)
}
