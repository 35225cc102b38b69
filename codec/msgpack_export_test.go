package codec

import (
	"reflect"
	"slices"
)

// PackedByLibrary returns the types, t and those in it, that the library writes
// and reads.
func PackedByLibrary(t reflect.Type) (types []reflect.Type) {
	k, err := PackedOf(t)
	if err != nil {
		return nil
	}
	var seen []*packNode
	var visit func(n *packNode)
	visit = func(n *packNode) {
		if n == nil || slices.Contains(seen, n) {
			return
		}
		seen = append(seen, n)
		if n.op == packLibrary {
			types = append(types, n.typ)
			return
		}
		visit(n.key)
		visit(n.elem)
		if n.fields != nil {
			for _, f := range n.fields.all {
				visit(f.node)
			}
		}
	}
	visit(k.node)
	return types
}
