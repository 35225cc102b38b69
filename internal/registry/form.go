package registry

import (
	"cmp"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/asidecache/aside/codec"
)

// Values says what a cache or a collection keeps.
type Values struct {
	Kind  string       // Cache, or the collection's name for itself
	Type  reflect.Type // of a cache's values, a collection's elements, a hash's struct
	Shape codec.Shape
	Codec any // of Type

	ControlPrefix string // of the keys beside the values
}

// Cache is the Kind of caches.
const Cache = "cache"

// A form is how values are stored, as far as types show it.
type form struct {
	kind   string
	typ    reflect.Type // for String alone: the type of the codec includes it
	shape  codec.Shape
	codecs []reflect.Type // a codec and those inside it
	call   string         // that makes a Mapping, whose type does not show its options
	opaque bool           // a whole collection is stored by a codec that may do it in any way
}

func formOf(v Values) form {
	f := form{kind: v.Kind, typ: v.Type, shape: v.Shape}
	f.codecs = codecTypes(nil, reflect.ValueOf(v.Codec))
	if mapping, ok := v.Codec.(fmt.Stringer); ok && isOurs(reflect.TypeOf(v.Codec)) {
		f.call = mapping.String()
	}
	f.opaque = v.Kind == Cache && v.Shape != codec.ShapeString && !isOurs(reflect.TypeOf(v.Codec))
	return f
}

func (f form) equal(g form) bool {
	return f.kind == g.kind && f.sameBytes(g)
}

// agrees reports whether values of f and of g may have the same keys: those of a cache and
// of a collection also where it is not known that their elements are stored differently.
func (f form) agrees(g form) bool {
	if f.kind != g.kind && (f.opaque || g.opaque) {
		return f.shape == g.shape
	}
	return f.sameBytes(g)
}

func (f form) sameBytes(g form) bool {
	return f.shape == g.shape && f.call == g.call && slices.Equal(f.codecs, g.codecs)
}

// String describes a member that keeps values of the form.
func (f form) String() string {
	names := make([]string, len(f.codecs))
	for i, t := range f.codecs {
		names[i] = codecName(t)
	}
	codecs := cmp.Or(f.call, strings.Join(names, " of "))
	return fmt.Sprintf("a %s of %v, stored as a Redis %v by %s", f.kind, f.typ, f.shape, codecs)
}

// codecTypes appends the type of a codec, and those of the values that one of package codec
// has inside. Pointers do not count. What a user's own codec has inside is left out: it may
// be anything.
func codecTypes(types []reflect.Type, c reflect.Value) []reflect.Type {
	t := target(c.Type())
	if t.PkgPath() != codecPath || t != c.Type() && c.IsNil() {
		return append(types, t)
	}
	if name, known := codecNames[baseName(t)]; name != "" || !known {
		types = append(types, t)
	}
	c = reflect.Indirect(c)
	for i := range t.NumField() {
		if f := t.Field(i).Type; f.PkgPath() == codecPath && baseName(f) == "Value" {
			types = codecTypes(types, c.Field(i).Elem())
		}
	}
	return types
}

// target is the type that a pointer points to, or the type itself.
func target(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

var codecPath = reflect.TypeFor[codec.Shape]().PkgPath()

// isOurs reports whether a codec stores collections as package collection does.
func isOurs(t reflect.Type) bool {
	p := target(t).PkgPath()
	return p == codecPath || p == path.Dir(codecPath)+"/hashmap"
}

// codecNames has the functions that make the types of package codec. Those without one add
// nothing to the shape and to what is inside.
var codecNames = map[string]string{
	"StringCodec": "",
	"list":        "",
	"set":         "",
	"sortedSet":   "",
	"textValue":   "codec.Text",
	"bytesValue":  "codec.Bytes",
	"jsonValue":   "codec.JSON",
	"packedValue": "codec.Msgpack",
	"binaryValue": "codec.Binary",
	"compressed":  "codec.Compress",
	"Encrypted":   "codec.Encrypt",
}

// codecName is what a user calls a codec of a type.
func codecName(t reflect.Type) string {
	if name := codecNames[baseName(t)]; name != "" && t.PkgPath() == codecPath {
		return name
	}
	name, _, _ := strings.Cut(t.String(), "[")
	return name
}

// baseName is the name of a type without its arguments.
func baseName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}
