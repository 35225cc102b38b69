package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// ErrOutdated is in the error of a Decode or ParseValue that has found well-formed bytes which
// lack a field that Encode always writes: an entry of another version of the struct. A cache
// counts such an entry as missing, not as broken, and loads the value anew. A codec of your own
// may return it as well.
//
// Msgpack, JSON and the mappings of package hashmap return it at every depth: for structs that
// are nested, inlined, embedded or pointed to, and in slices, arrays, maps, lists and sets. Not
// always written, so that their absence says nothing, are fields with omitempty or omitzero,
// the fields of an embedded or inlined pointer that may be nil (where nothing is written of it),
// and the pointers of a hash. What interfaces hold, and types with encoding methods of their
// own, are not looked into. Give the cache another Version when such a field is added.
var ErrOutdated = errors.New("the entry lacks a field that is always stored, as one of another version does")

// outdated is the error of bytes of type t that lack the field at a path.
func outdated(form string, t reflect.Type, path string) error {
	return fmt.Errorf("codec: %s of type %v without %s: %w", form, t, path, ErrOutdated)
}

// An Option changes how a codec reads. The zero Option changes nothing.
type Option struct{ missingAreZero bool }

// MissingFieldsAreZero makes Msgpack and JSON read a field that is not there as zero, whether or
// not it is always written: for entries that other programs write in part. An entry of an older
// version of the struct is then read with zeros in its new fields, unless the cache gets another
// Version.
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

// A fieldSet is a set of fields of a struct, by index. It allocates for structs of more than 64
// fields.
type fieldSet struct {
	low  uint64
	high []uint64
}

func (s *fieldSet) add(i int) {
	if i < 64 {
		s.low |= 1 << i
		return
	}
	for len(s.high) < i/64 {
		s.high = append(s.high, 0)
	}
	s.high[i/64-1] |= 1 << (i % 64)
}

func (s *fieldSet) remove(i int) {
	if i < 64 {
		s.low &^= 1 << i
	} else if i/64 <= len(s.high) {
		s.high[i/64-1] &^= 1 << (i % 64)
	}
}

func (s *fieldSet) has(i int) bool {
	if i < 64 {
		return s.low&(1<<i) != 0
	}
	return i/64 <= len(s.high) && s.high[i/64-1]&(1<<(i%64)) != 0
}
