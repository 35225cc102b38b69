package explain

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/asidecache/aside/internal/client"
)

// Bounds of what is read of a value.
const (
	maxString = 64 << 10 // bytes of a string
	maxParts  = 32       // fields or elements
	maxAnswer = 1 << 20  // bytes of these
	maxFields = 64 << 10 // bytes of the names of fields
)

// A kind says how the value of a Redis type is read.
type kind struct {
	size  string // the command that says how large it is
	parts []any  // the command that reads the first parts, the key behind the first word
	named bool   // a part comes behind its name
	score bool   // a part comes in front of its score
}

var kinds = map[string]kind{
	"string": {size: "strlen", parts: []any{"getrange", 0, maxString - 1}},
	"hash":   {size: "hlen", parts: []any{"hrandfield", maxParts}, named: true},
	"list":   {size: "llen", parts: []any{"lrange", 0, maxParts - 1}},
	"set":    {size: "scard", parts: []any{"srandmember", maxParts}},
	"zset":   {size: "zcard", parts: []any{"zrange", 0, maxParts - 1, "withscores"}, score: true},
	"stream": {size: "xlen"},
}

// lookCloser finds out what the value is: how large, how it is encoded, which fields it has, and
// with ShowValue what it holds.
func (e *explainer) lookCloser(ctx context.Context) error {
	v, key := e.report.Value, e.report.ValueKey
	if held := e.report.Held; held != nil && e.report.Control == nil {
		v, key = held, e.report.Key
	}
	if v == nil {
		return nil
	}
	k, known := kinds[v.Type]
	if !known {
		return nil
	}
	reads := k.parts != nil && (v.Type == "string" || v.Type == "hash" || e.opt.ShowValue)
	cmds, err := e.send(ctx, func(ctx context.Context) []*client.Command {
		cmds := []*client.Command{client.NewSmall(ctx, k.size, key)}
		if reads { // behind the other: a longer answer than is permitted ends the connection
			args := append([]any{k.parts[0], key}, k.parts[1:]...)
			cmds = append(cmds, client.NewBounded(ctx, k.bound(), args...))
		}
		return cmds
	})
	if err != nil {
		return err
	}
	size := e.number(cmds[0])
	if v.Type == "string" {
		v.Bytes = size
	} else {
		v.Count = size
	}
	if !reads {
		return nil
	}
	parts, ok := e.parts(cmds[1], v)
	switch {
	case !ok || len(parts) == 0:
		return nil
	case v.Type == "string":
		e.string(v, parts[0])
	case v.Type == "hash":
		return e.hash(ctx, v, key, parts)
	default:
		e.elements(v, k, parts)
	}
	return nil
}

// bound is how many bytes an answer may have.
func (k kind) bound() int {
	if k.named {
		return maxFields
	}
	return maxAnswer
}

// parts returns the parts of an answer. They are of use until the command is sent again.
func (e *explainer) parts(cmd *client.Command, v *Value) (parts [][]byte, ok bool) {
	err := cmd.Err()
	if err == nil {
		parts, err = cmd.Reply().Flatten(nil)
	}
	if err != nil {
		e.refused(cmd, err)
		v.Cut = client.IsBroken(err)
	}
	return parts, err == nil
}

// string notes what a string looks like.
func (e *explainer) string(v *Value, b []byte) {
	whole := v.Bytes != nil && int64(len(b)) == *v.Bytes
	v.Encoding = Encoding(b, whole)
	if e.opt.ShowValue {
		text, cut := Readable(b, whole)
		v.Shown, v.Cut = []Part{{Value: text}}, cut
	}
}

// hash notes the names of fields, and with ShowValue what they hold.
func (e *explainer) hash(ctx context.Context, v *Value, key string, names [][]byte) error {
	slices.SortFunc(names, bytes.Compare)
	args := []any{"hmget", key}
	for _, name := range names {
		v.Fields = append(v.Fields, Printable(string(name)))
		args = append(args, string(name))
	}
	v.Cut = v.Count != nil && int64(len(names)) < *v.Count
	if !e.opt.ShowValue {
		return nil
	}
	cmds, err := e.send(ctx, func(ctx context.Context) []*client.Command {
		return []*client.Command{client.NewBounded(ctx, maxAnswer, args...)}
	})
	if err != nil {
		return err
	}
	values, ok := e.parts(cmds[0], v)
	if !ok || len(values) != len(names) {
		return nil
	}
	for i, value := range values {
		text, cut := Readable(value, true)
		v.Shown = append(v.Shown, Part{v.Fields[i], text})
		v.Cut = v.Cut || cut
	}
	return nil
}

// elements notes the elements of a list, set or sorted set.
func (e *explainer) elements(v *Value, k kind, parts [][]byte) {
	step := 1
	if k.score {
		step = 2
	}
	for part := range slices.Chunk(parts, step) {
		text, cut := Readable(part[0], true)
		shown := Part{Value: text}
		if k.score && len(part) == step {
			shown.Name = string(part[1])
		}
		v.Shown = append(v.Shown, shown)
		v.Cut = v.Cut || cut
	}
	if v.Type == "set" {
		slices.SortFunc(v.Shown, func(a, b Part) int { return cmp.Compare(a.Value, b.Value) })
	}
	v.Cut = v.Cut || v.Count != nil && int64(len(v.Shown)) < *v.Count
}
