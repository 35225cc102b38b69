package rediskey

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Family is the value keys of one name and version. The key of a version lies in the slot of
// the key without one, and all versions of a key have the control key of that.
//
// The neighbours of version n are n-1 and n+1, and n-2 as well: n-1 may make its values of those.
//
//	user:42          user@2{user:42}
//	user:{acme}:42   user@2:{acme}:42
//	user:a}b         user@2{<n>}user:a}b   n: the smallest number in the slot of user:a}b
//
// The zero value is a family without a name, whose keys have no neighbours. A Family does not
// change, and is safe for concurrent use.
type Family struct {
	name    string
	version int
	stem    string   // the name and its version; that alone of version 0
	others  []string // the stems of the neighbouring versions, in their order
	prefix  string   // of control keys; empty for ControlPrefix
}

// NewFamily returns the family of a name and a version, which is 0 for none.
func NewFamily(name string, version int) Family {
	f := Family{name: name, version: version, stem: stem(name, version)}
	if !Versions(name) {
		return f
	}
	for v := max(version-2, 0); v < version; v++ {
		f.others = append(f.others, stem(name, v))
	}
	f.others = append(f.others, stem(name, version+1))
	return f
}

// SetPrefix sets what begins the control keys, as CheckPrefix of package keyspace permits it;
// empty for ControlPrefix.
func (f *Family) SetPrefix(prefix string) { f.prefix = prefix }

// Prefix is what begins the control keys.
func (f *Family) Prefix() string { return cmp.Or(f.prefix, ControlPrefix) }

func stem(name string, version int) string {
	if version == 0 {
		return name
	}
	return name + "@" + strconv.Itoa(version)
}

// Versions reports whether the keys of a name can have versions: not if the name has a { that
// begins no hash tag of its own, so that what follows the name decides the slot.
func Versions(name string) bool {
	_, tagged := hashTag(name)
	return tagged || strings.IndexByte(name, '{') < 0
}

// Prefixes returns what the keys of the family begin with, one of these each: so do no keys of its
// other versions.
func (f *Family) Prefixes() []string {
	if f.version == 0 {
		return []string{f.name + ":"}
	}
	return []string{f.stem + "{", f.stem + ":"}
}

// Version returns the version of the values, 0 for none.
func (f *Family) Version() int { return f.version }

// Begin appends what stands in front of the text of a key.
func (f *Family) Begin(dst []byte) []byte {
	if f.version != 0 {
		dst = append(append(dst, f.stem...), '{')
	}
	return append(append(dst, f.name...), ':')
}

// End makes a key of dst[from:], which Begin has begun and to which a text was appended.
func (f *Family) End(dst []byte, from int) []byte {
	if f.version == 0 {
		return dst
	}
	plain := dst[from+len(f.stem)+1:]
	if bytes.IndexByte(plain, '}') < 0 {
		return append(dst, '}')
	}
	return appendVersion(dst[:from], f.stem, f.name, string(plain))
}

// Is reports whether a key is one of the family.
func (f *Family) Is(key string) bool {
	if !slices.ContainsFunc(f.Prefixes(), func(p string) bool { return strings.HasPrefix(key, p) }) {
		return false
	}
	if f.version == 0 {
		return true
	}
	text, ok := strings.CutPrefix(f.plain(key), f.name+":")
	return ok && f.make(text) == key
}

// KeyOf returns the key of the family that a person means by a text: the key itself, the key
// without a version, or what the key has after the name.
func (f *Family) KeyOf(text string) string {
	if f.Is(text) {
		return text
	}
	return f.make(strings.TrimPrefix(text, f.name+":"))
}

func (f *Family) make(text string) string {
	return string(f.End(append(f.Begin(nil), text...), 0))
}

// appendVersion appends the key of a stem for the key without a version.
func appendVersion(dst []byte, stem, name, plain string) []byte {
	_, tagged := hashTag(plain)
	switch {
	case len(stem) == len(name):
		return append(dst, plain...)
	case tagged:
		return append(append(dst, stem...), plain[len(name):]...)
	}
	dst = append(append(dst, stem...), '{')
	if strings.IndexByte(plain, '}') < 0 {
		return append(append(dst, plain...), '}')
	}
	return append(append(append(dst, slotTags()[slot(plain)]...), '}'), plain...)
}

// plain returns the key without a version of a key of the family.
func (f *Family) plain(key string) string {
	if f.version == 0 {
		return key
	}
	rest := key[len(f.stem):]
	if rest[0] == ':' {
		return f.name + rest
	}
	before, after, _ := strings.Cut(rest[1:], "}")
	if after == "" {
		return before
	}
	return after
}

// PrefixKey returns a key, which is no value key, that is the same whatever the prefix of control
// keys is.
func (f *Family) PrefixKey() string { return f.name + "@prefix" }

// Control returns the control key of a key of the family.
func (f *Family) Control(key string) string { return controlKey(f.Prefix(), f.plain(key)) }

// Staging returns the key under which the value of the lease of a token is staged, by the
// control key of a key of the family.
func (f *Family) Staging(control, token string) string {
	return stagingKey(f.Prefix(), control, token)
}

// AppendKeys appends a key of the family, its control key, and the keys of the neighbouring
// versions, whose values a write removes, that of the version after last. Each is a string, in
// the form in which commands take it.
func (f *Family) AppendKeys(dst []any, key string) []any {
	plain := f.plain(key)
	dst = append(dst, key, controlKey(f.Prefix(), plain))
	for _, other := range f.others {
		buf := make([]byte, 0, len(other)+len(plain)+len("{109757}"))
		dst = append(dst, string(appendVersion(buf, other, f.name, plain)))
	}
	return dst
}

// Previous returns the key of the version before, and whether there is one.
func (f *Family) Previous(key string) (previous string, ok bool) {
	if f.version == 0 || len(f.others) == 0 {
		return "", false
	}
	return string(appendVersion(nil, f.others[len(f.others)-2], f.name, f.plain(key))), true
}

// Before returns the family of the version before, of a family that has one.
func (f *Family) Before() Family { return NewFamily(f.name, f.version-1) }
