package store

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
)

//go:embed putifabsent.lua
var putIfAbsentSource string

//go:embed touch.lua
var touchSource string

var (
	putIfAbsent = redis.NewScript(putIfAbsentSource)
	touch       = redis.NewScript(touchSource)
)

// once runs a script that must not be repeated after its answer was lost, and
// that returns 0 or 1. go-redis repeats commands; it does not repeat raw ones.
// An error as the answer means that nothing was done, so that then the script
// is run in the ordinary way.
func (s *Store) once(ctx context.Context, script *redis.Script, keys []string, args []any) (bool, error) {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "evalsha", script.Hash(), len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	all = append(all, args...)
	var r reply
	if err := s.rdb.Process(ctx, redis.NewRawWriteToCmd(ctx, &r, all...)); err != nil {
		return false, err
	}
	if r.isError() {
		return script.Run(ctx, s.rdb, keys, args...).Bool()
	}
	p := parser{r.buf}
	kind, n, err := p.header()
	if err != nil || kind != ':' {
		return false, errReply
	}
	return n == 1, nil
}
