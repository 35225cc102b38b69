package store

import (
	"context"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// A kind is how Redis holds the values of a shape. Its words are strings, in the form in
// which commands take them.
type kind struct {
	name  any   // of the type; set by New
	read  any   // the plain command that reads a whole value
	whole []any // its arguments after the key
	add   any   // the command that adds parts to a value
	count any   // the command that counts them
	named bool  // a part is a name and a value; the name of a scored element is its score
}

var kinds = map[codec.Shape]kind{
	codec.ShapeString:    {read: "get", add: "set", count: "strlen"},
	codec.ShapeHash:      {read: "hgetall", add: "hset", count: "hlen", named: true},
	codec.ShapeList:      {read: "lrange", whole: []any{0, -1}, add: "rpush", count: "llen"},
	codec.ShapeSet:       {read: "smembers", add: "sadd", count: "scard"},
	codec.ShapeSortedSet: {read: "zrange", whole: []any{0, -1, "withscores"}, add: "zadd", count: "zcard", named: true},
}

// readArgs appends the command that reads the whole value of a key, given as a string
// or by its address.
func (s *Store) readArgs(args []any, key any) []any {
	return append(append(args, s.kind.read, key), s.kind.whole...)
}

// readCmd is the command that reads the whole value of key.
func (s *Store) readCmd(ctx context.Context, key string) *client.Command {
	return client.NewCommand(ctx, s.readArgs(nil, key)...)
}

// appendParts appends parts of a value as the command takes them that adds to it.
func (k kind) appendParts(args []any, w *codec.Wire, from, to int) []any {
	for i := from; i < to; i++ {
		if k.named {
			args = append(args, w.Name(i))
		}
		args = append(args, w.Value(i))
	}
	return args
}
