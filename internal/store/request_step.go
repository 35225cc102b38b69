package store

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

// Durable is part of Step.
func (r *Request) Durable() bool { return r.write }
func (r *Request) Writes() bool  { return r.write }
func (r *Request) Largest() int  { return r.long }

func (r *Request) Retry() client.Retry { return client.Retry(!r.write) }

func (r *Request) Keys() []string {
	return r.names
}

func (r *Request) Script() *client.Script {
	if r.write {
		return mutate
	}
	return nil
}

func (r *Request) Commands(ctx context.Context, mode client.EvalMode) []*client.Command {
	if !r.write {
		return []*client.Command{client.NewCommand(ctx, r.args...)}
	}
	n := r.staged()
	if n == 0 {
		return []*client.Command{mode.Command(ctx, mutate, r.keys, r.args)}
	}
	if r.token == "" {
		r.token = rediskey.NewToken()
	}
	staged := r.family.Staging(r.keys[1].(string), r.token)
	first := r.args[rulesArgs:]
	head := argsInFront + first[2].(int)
	cmds := stageParts(ctx, staged, "rpush", n, func(args []any, from, to int) []any {
		return append(args, first[head+from:head+to]...)
	})
	args := append([]any(nil), r.args[:rulesArgs+head]...)
	args[listedArg] = n
	args[rulesArgs+1] = first[2] // no arguments but those in front of each part
	args = append(args, first[head+n:]...)
	return append(cmds, mode.Command(ctx, mutate, append(r.keys[:len(r.keys):len(r.keys)], staged), args))
}

// argsInFront is how many arguments of a write describe a command: its name, their
// number, head and group.
const argsInFront = 4

// maxArgs is how many arguments the first command of a write may have before they are
// staged. In a script they would all be in memory at once, and Redis takes no more than
// a million.
const maxArgs = 10_000

// staged returns how many arguments of the first command are to be staged.
func (r *Request) staged() int {
	if !r.write {
		return 0
	}
	first := r.args[rulesArgs:]
	n, head, group := first[1].(int), first[2].(int), first[3].(int)
	if group == Whole || n <= maxArgs {
		return 0
	}
	return n - head
}

func (r *Request) Answered(ctx context.Context, c *client.Client, cmds []*client.Command) error {
	last := len(cmds) - 1
	err := cmds[last].Err()
	if last > 0 && redis.HasErrorPrefix(err, "ERR the arguments did not") {
		err = incomplete(cmds[:last])
	}
	return r.setAnswer(ctx, c, cmds[last], err)
}
