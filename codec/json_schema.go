package codec

import (
	"fmt"
	"reflect"
)

// JSONSchemaOf returns what JSON stores of a t.
func JSONSchemaOf(t reflect.Type, opts ...Option) *Schema {
	d := jsonDescriber{made: map[reflect.Type]*Schema{}}
	s := d.schema(t)
	s.Codec = "json"
	if missingAreZero(opts) {
		s.missingAreZero(map[*Schema]bool{})
	}
	return s
}

// A jsonDescriber describes types, which may be recursive.
type jsonDescriber struct{ made map[reflect.Type]*Schema }

func (d jsonDescriber) schema(t reflect.Type) *Schema {
	if s, ok := d.made[t]; ok {
		return s
	}
	s := &Schema{Type: describeJSON(t)}
	d.made[t] = s
	switch s.Type {
	case "map":
		s.Key, s.Elem = d.schema(t.Key()), d.schema(t.Elem())
	case "struct":
		s.Fields = d.fields(t)
	default:
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			if !isJSONLeaf(t) {
				s.Elem = d.schema(t.Elem())
			}
		}
	}
	return s
}

// isJSONLeaf reports whether a t is not written element by element.
func isJSONLeaf(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && hasJSONMethods(t) || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func describeJSON(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return "pointer"
	case t == timeType:
		return "time"
	case t.Kind() == reflect.Interface:
		return "any"
	case hasJSONMethods(t):
		return custom(t)
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "list"
	case reflect.Array:
		return fmt.Sprintf("array of %d", t.Len())
	}
	return t.Kind().String()
}

func (d jsonDescriber) fields(t reflect.Type) []SchemaField {
	var list []SchemaField
	for _, f := range jsonFieldsIn(t) {
		s := d.schema(f.typ)
		if f.quoted {
			s = quoted(s)
		}
		list = append(list, SchemaField{Name: f.name, Optional: !f.always, Schema: s})
	}
	return list
}

// quoted returns what the option string of a tag makes of s: encoding/json heeds it for scalars
// and pointers to them.
func quoted(s *Schema) *Schema {
	switch {
	case s.Type == "pointer" && s.Elem.Elem == nil && s.Elem.Fields == nil:
		return &Schema{Type: "pointer", Elem: quoted(s.Elem)}
	case isScalarType[s.Type]:
		return &Schema{Type: "quoted " + s.Type}
	}
	return s
}

// isScalarType has the types of which encoding/json heeds the option string.
var isScalarType = map[string]bool{
	"bool": true, "string": true, "float32": true, "float64": true, "uintptr": true,
	"int": true, "int8": true, "int16": true, "int32": true, "int64": true,
	"uint": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true,
}
