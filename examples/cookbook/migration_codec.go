package cookbook

import (
	"errors"

	"github.com/klauspost/compress/s2"

	"github.com/asidecache/aside/codec"
)

// GoRedisCache reads and writes what github.com/go-redis/cache/v9 stores of a struct: msgpack, with
// a byte at its end that says whether it is compressed.
func GoRedisCache[V any]() codec.Codec[V] {
	return codec.String(goRedisCache[V]{codec.Msgpack[V]()})
}

type goRedisCache[V any] struct{ msgpack codec.Value[V] }

const (
	plain      = 0
	compressed = 1
	maxRatio   = 1024 // of compression: more is not believed
)

var errForeign = errors.New("the entry is not one of go-redis/cache")

// AppendValue is part of codec.Value.
func (c goRedisCache[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	b, err := c.msgpack.AppendValue(dst, v)
	return append(b, plain), err
}

// ParseValue is part of codec.Value.
func (c goRedisCache[V]) ParseValue(src []byte, v *V) error {
	if len(src) == 0 {
		return errForeign
	}
	b, ending := src[:len(src)-1], src[len(src)-1]
	if ending == plain {
		return c.msgpack.ParseValue(b, v)
	}
	if n, err := s2.DecodedLen(b); ending != compressed || err != nil || n > maxRatio*len(b) {
		return errForeign
	}
	b, err := s2.Decode(nil, b)
	if err != nil {
		return errForeign
	}
	return c.msgpack.ParseValue(b, v)
}
