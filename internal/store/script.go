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
	putIfAbsentHash = redis.NewScript(putIfAbsentSource).Hash()
	touch           = redis.NewScript(touchSource)
)

// An unrepeated command is not sent again by go-redis when its answer is lost.
// Redirections are followed all the same: who answers with one has done nothing.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// once runs a script that must not be carried out twice and that returns 0 or 1.
func (s *Store) once(ctx context.Context, hash, source string, keys []string, args []any) (bool, error) {
	send := func(command, script string) (bool, error) {
		all := make([]any, 0, 3+len(keys)+len(args))
		all = append(all, command, script, len(keys))
		for _, key := range keys {
			all = append(all, key)
		}
		cmd := unrepeated{redis.NewCmd(ctx, append(all, args...)...)}
		if err := s.rdb.Process(ctx, cmd); err != nil {
			return false, err
		}
		return cmd.Bool()
	}
	done, err := send("evalsha", hash)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return send("eval", source)
	}
	return done, err
}
