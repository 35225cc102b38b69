package hashmap

import (
	"reflect"

	"github.com/asidecache/aside/codec"
)

// Schema implements codec.Describer.
func (m *Mapping[T]) Schema() (*codec.Schema, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	s := &codec.Schema{Type: "struct"}
	for _, f := range m.plan.fields {
		s.Fields = append(s.Fields, codec.SchemaField{Name: string(f.name), Optional: !f.always, Schema: f.schema()})
	}
	return s, nil
}

// schema returns what the field stores. A pointer that is nil is no field, at whatever depth it
// is read.
func (f *field) schema() *codec.Schema {
	s := f.value.Schema()
	if f.elem == nil && f.typ.Kind() == reflect.Pointer && s.Type == "pointer" {
		s.Elem.Codec = s.Codec
		return s.Elem
	}
	return s
}

func (s scalar) Schema() *codec.Schema  { return s.writer.Schema() }
func (l lenient) Schema() *codec.Schema { return l.text.Schema() }

func (v jsonValue) Schema() *codec.Schema {
	if v.fields == nil {
		return codec.JSONSchemaOf(v.t, codec.MissingFieldsAreZero())
	}
	return codec.JSONSchemaOf(v.t)
}
