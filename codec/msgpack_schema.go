package codec

import "fmt"

// Schema returns what the Packed stores.
func (k *Packed) Schema() *Schema {
	d := packDescriber{made: map[*packNode]*Schema{}}
	s := d.schema(k.node)
	s.Codec = "msgpack"
	if k.missingAreZero {
		s.missingAreZero(map[*Schema]bool{})
	}
	return s
}

// A packDescriber describes plans, which may be recursive.
type packDescriber struct{ made map[*packNode]*Schema }

func (d packDescriber) schema(n *packNode) *Schema {
	if s, ok := d.made[n]; ok {
		return s
	}
	s := &Schema{Type: n.describe()}
	d.made[n] = s
	switch n.op {
	case packMap, packMapStringString, packMapStringAny:
		s.Key, s.Elem = d.schema(n.key), d.schema(n.elem)
	case packPointer, packSlice, packArray:
		s.Elem = d.schema(n.elem)
	case packStruct:
		s.Fields = d.fields(n.fields)
	}
	return s
}

func (n *packNode) describe() string {
	switch n.op {
	case packBytes:
		return "bytes"
	case packByteArray:
		return fmt.Sprintf("bytes of %d", n.len)
	case packSlice:
		return "list"
	case packArray:
		return fmt.Sprintf("array of %d", n.len)
	case packMap, packMapStringString, packMapStringAny:
		return "map"
	case packPointer:
		return "pointer"
	case packStruct:
		if n.fields.array {
			return "tuple"
		}
		return "struct"
	case packTime:
		return "time"
	case packAny:
		return "any"
	case packError:
		return "error"
	case packMethods, packLibrary:
		return custom(n.typ)
	}
	return n.typ.Kind().String()
}

func (d packDescriber) fields(fs *packFields) []SchemaField {
	list := make([]SchemaField, fs.written)
	for i := range list {
		f := &fs.all[i]
		s := d.schema(f.node)
		if f.via != nil && (f.always || fs.array) && f.node.op != packPointer {
			s = &Schema{Type: "pointer", Elem: s} // nil is written where there is no struct
		}
		list[i] = SchemaField{Name: f.name, Optional: !f.always && !fs.array, Schema: s}
	}
	for name, i := range fs.index {
		if f := &fs.all[i]; i >= fs.written && f.node == fs.all[f.from].node {
			list[f.from].Alias = name
		}
	}
	return list
}
