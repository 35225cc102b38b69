package codec

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// A Describer is a codec or value that can say what it stores. Those of this package and of
// package hashmap can. cachetest.Schema compares what they say with a file, and so finds the
// changes of a struct that matter for entries that are already stored.
type Describer interface {
	// Schema returns a Schema that the caller may change. It is an error if the codec is
	// built wrongly, or wraps a codec that is no Describer.
	Schema() (*Schema, error)
}

// A Schema describes the stored form of the values of one type, as far as a reader of it must
// agree with its writer. It may contain itself, as types can.
type Schema struct {
	// Codec is the encoding: text, json, msgpack or binary, with compressed or encrypted in
	// front, or a word of a codec's own. It is empty where the encoding is that of the Schema
	// around.
	Codec string

	// Type is what is stored. It is one of
	//
	//	bool, int, int8 to uint64, float32, float64, string, bytes, time, duration, any, error
	//	bytes of 16      an array of bytes
	//	quoted int64     in a JSON string
	//	pointer          Elem, or nil
	//	list, set, sorted set, array of 4, with Elem
	//	map              with Key and Elem
	//	struct           Fields that are found by name
	//	tuple            Fields that are found by their order
	//	custom Money     what the methods of a Go type write
	//
	// or what else a codec of its own may say.
	Type string

	Key, Elem *Schema
	Fields    []SchemaField
}

// A SchemaField is a field of a struct or tuple.
type SchemaField struct {
	Name     string // as it is stored
	Alias    string // another name that is read, empty for none
	Optional bool   // a value without the field is read with zero; it is an ErrOutdated otherwise
	Schema   *Schema
}

// SchemaOf returns the Schema of a codec or value, which is an error if it is no Describer.
func SchemaOf(c any) (*Schema, error) {
	if err := check(c); err != nil {
		return nil, err
	}
	d, ok := c.(Describer)
	if !ok {
		return nil, fmt.Errorf("codec: a %T does not say what it stores; give it the method Schema of codec.Describer", c)
	}
	return d.Schema()
}

// around returns the Schema of c behind another encoding.
func around(layer string, c any) (*Schema, error) {
	s, err := SchemaOf(c)
	if err == nil {
		s.Codec = strings.TrimSpace(layer + " " + s.Codec)
	}
	return s, err
}

// collection returns the Schema of elements.
func collection(typ string, elem any) (*Schema, error) {
	s, err := SchemaOf(elem)
	return &Schema{Type: typ, Elem: s}, err
}

// Schema implements Describer.
func (c StringCodec[V]) Schema() (*Schema, error) { return SchemaOf(c.Value) }

// Schema implements Describer.
func (c Encrypted[V]) Schema() (*Schema, error) { return around("encrypted", c.inner) }

func (c *compressed[V]) Schema() (*Schema, error) { return around("compressed", c.inner) }
func (c list[E]) Schema() (*Schema, error)        { return collection("list", c.elem) }
func (c set[E]) Schema() (*Schema, error)         { return collection("set", c.elem) }
func (c sortedSet[E]) Schema() (*Schema, error)   { return collection("sorted set", c.elem) }

func (bytesValue[B]) Schema() (*Schema, error) { return &Schema{Codec: "text", Type: "bytes"}, nil }

func (c *textValue[V]) Schema() (*Schema, error)   { return c.scalar.Schema(), nil }
func (c *binaryValue[V]) Schema() (*Schema, error) { return c.form.Schema(), nil }
func (c *packedValue[V]) Schema() (*Schema, error) { return c.packed.Schema(), nil }

func (c jsonValue[V]) Schema() (*Schema, error) {
	return JSONSchemaOf(reflect.TypeFor[V](), Option{missingAreZero: c.fields == nil}), nil
}

// Schema returns what the form stores.
func (f *BinaryForm) Schema() *Schema { return &Schema{Codec: "binary", Type: custom(f.t)} }

// Schema returns what the Scalar stores.
func (s *Scalar) Schema() *Schema {
	typ := s.t.Kind().String()
	switch s.form {
	case formBytes:
		typ = "bytes"
	case formDuration:
		typ = "duration"
	case formTime:
		typ = "time"
	case formMethods:
		typ = custom(s.t)
	}
	return &Schema{Codec: "text", Type: typ}
}

// missingAreZero makes all fields optional. seen has the Schemas that it need not look at.
func (s *Schema) missingAreZero(seen map[*Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	s.Key.missingAreZero(seen)
	s.Elem.missingAreZero(seen)
	for i := range s.Fields {
		s.Fields[i].Optional = true
		s.Fields[i].Schema.missingAreZero(seen)
	}
}

// custom is the Type of what the methods of t write. A type that moves to another package keeps
// its methods, so that these are left out.
func custom(t reflect.Type) string { return "custom " + qualifier.ReplaceAllString(t.String(), "") }

// qualifier finds what stands before a type's name in its package, and behind that of one in a
// function.
var qualifier = regexp.MustCompile(`[^][,*(){} ]*[./]|·\d+`)
