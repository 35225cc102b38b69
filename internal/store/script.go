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

// A script returns 0 or 1.
type script struct{ hash, source string }

func newScript(source string) script {
	return script{redis.NewScript(source).Hash(), source}
}

var (
	putIfAbsent = newScript(putIfAbsentSource)
	touch       = newScript(touchSource)
)

// run runs the script, whether Redis knows it already or not.
func (sc script) run(ctx context.Context, send func(context.Context, *redis.Cmd) error, keys [2]string, args ...any) (bool, error) {
	call := func(command, sc string) (bool, error) {
		cmd := redis.NewCmd(ctx, append([]any{command, sc, len(keys), keys[0], keys[1]}, args...)...)
		if err := send(ctx, cmd); err != nil {
			return false, err
		}
		return cmd.Bool()
	}
	done, err := call("evalsha", sc.hash)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return call("eval", sc.source)
	}
	return done, err
}

// An unrepeated command is not sent again by go-redis when its answer is lost.
// Redirections are followed all the same: who answers with one has done nothing.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// sendOnce is send for what must not be carried out twice.
func (s *Store) sendOnce(ctx context.Context, cmd *redis.Cmd) error {
	return s.process(ctx, unrepeated{cmd})
}

func (s *Store) send(ctx context.Context, cmd *redis.Cmd) error {
	return s.process(ctx, cmd)
}

// process sends one command. It says what step there is between the command's
// keys, since a cluster client otherwise asks Redis, in a lock that all wait for
// and that no deadline ends.
func (s *Store) process(ctx context.Context, cmd redis.Cmder) error {
	cmd.SetStepCount(1)
	return s.rdb.Process(ctx, cmd)
}
