package keyspace

import (
	"bytes"
	"cmp"
	"errors"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/internal/rediskey"
)

// Keys names the Redis keys of one Name and Version. Its methods are safe for concurrent use.
type Keys[K comparable] struct {
	family rediskey.Family
	begin  []byte // of every key
	text   keyText
	custom func(dst []byte, key K) []byte // in place of text
}

// NewKeys returns the Keys of a name and a version. custom, which may be nil, appends the text
// of a key. The error says why K has none.
func NewKeys[K comparable](
	name string, version int, custom func(dst []byte, key K) []byte,
) (k Keys[K], err error) {
	k.family, k.custom = rediskey.NewFamily(name, version), custom
	k.begin = k.family.Begin(nil)
	if custom == nil {
		k.text, err = keyTextOf(reflect.TypeFor[K]())
	}
	return k, err
}

// ControlPrefix returns the ControlPrefix of a Config, which leaves it empty for the default.
func ControlPrefix(prefix string) string { return cmp.Or(prefix, rediskey.ControlPrefix) }

// Family is what the keys have in common, with a ControlPrefix, empty for the default.
func (k *Keys[K]) Family(controlPrefix string) rediskey.Family {
	f := k.family
	f.SetPrefix(controlPrefix)
	return f
}

// Before is what the keys of the version before have in common, where there is one.
func (k *Keys[K]) Before() rediskey.Family { return k.family.Before() }

// maxKey bounds a Redis key, in bytes: its control key may hold it twice, and Redis
// takes 512 MB.
const maxKey = 255 << 20

var (
	errKeySize   = errors.New("the Redis key would be longer than 255 MB")
	errKeyPrefix = errors.New("Config.Key did not append to dst: the family's prefix is gone")
)

// Append appends the Redis key of *key.
func (k *Keys[K]) Append(dst []byte, key *K) ([]byte, error) {
	from := len(dst)
	dst = append(dst, k.begin...)
	var err error
	if k.custom != nil {
		dst = k.custom(dst, *key)
	} else {
		dst, err = k.text(dst, unsafe.Pointer(key))
	}
	switch {
	case err != nil:
		return nil, err
	case len(dst)-from > maxKey:
		return nil, errKeySize
	case len(dst) < from || !bytes.HasPrefix(dst[from:], k.begin):
		return nil, errKeyPrefix
	}
	return k.family.End(dst, from), nil
}
