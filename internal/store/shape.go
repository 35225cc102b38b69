package store

import "github.com/asidecache/aside/codec"

// A kind is how Redis holds the values of a shape.
type kind struct {
	add   string // the command that adds parts to a value
	count string // the command that counts them
	named bool
}

var kinds = map[codec.Shape]kind{
	codec.ShapeString: {"set", "strlen", false},
	codec.ShapeHash:   {"hset", "hlen", true},
}

func (k kind) appendParts(args []any, w *codec.Wire, from, to int) []any {
	for i := from; i < to; i++ {
		if k.named {
			args = append(args, w.Name(i))
		}
		args = append(args, w.Value(i))
	}
	return args
}
