package hashmap

import (
	"errors"
	"fmt"
	"strings"
)

// An Option changes the rules by which Of maps a type. The zero Option changes nothing.
type Option struct {
	tag            string
	useTag         bool
	missingAreZero bool
}

// MissingFieldsAreZero makes the mapping read a field that the hash does not have as zero,
// whether or not it is always stored, and so do the fields tagged json and msgpack: for hashes
// that other programs write in part. A hash of an older version of the struct is then read with
// zeros in its new fields, unless the cache gets another Version.
func MissingFieldsAreZero() Option { return Option{missingAreZero: true} }

// missingAreZero reports whether the options have MissingFieldsAreZero.
func missingAreZero(opts []Option) bool {
	for _, o := range opts {
		if o.missingAreZero {
			return true
		}
	}
	return false
}

// UseTag makes fields that have no redis tag use the name in the tag of this key, such as
// json: for structs that are tagged for another package.
//
//	users, err := hashmap.Of[User](hashmap.UseTag("json"))
//
// The name, "-", omitempty and omitzero of that tag are used; omitzero leaves out a zero
// value but not an empty slice or map. Other options are ignored, such as ",string", since
// numbers are text in a hash anyway. With the keys json and msgpack a field without a text
// form, such as a slice or a struct, is stored as with the redis option of that name. With
// other keys it needs a redis tag. A field that has a redis tag is mapped by that alone.
//
// HSet and Scan of go-redis do not read the tag.
func UseTag(key string) Option { return Option{tag: key, useTag: true} }

// tagKey returns the key that the options name, empty for none.
func tagKey(opts []Option) (string, error) {
	key, used := "", false
	for _, o := range opts {
		switch {
		case !o.useTag:
			continue
		case used:
			return "", errors.New("hashmap: UseTag is given twice; one key is used")
		case o.tag == "redis":
			return "", errors.New(`hashmap: UseTag("redis") changes nothing: redis tags always count`)
		case !isTagKey(o.tag):
			return "", fmt.Errorf("hashmap: UseTag(%q): a key of a struct tag is not empty, and has no space, quote, colon or control character", o.tag)
		}
		key, used = o.tag, true
	}
	return key, nil
}

// isTagKey reports whether reflect.StructTag can have the key.
func isTagKey(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return r <= ' ' || r == '"' || r == ':' || r == 0x7f
	})
}
