package store

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// stagedLife is how long a staged value may lie about.
const stagedLife = 30 * time.Second

// stagingKey returns the key under which the value of a lease is staged: in the slot
// of its control key, and no control key of any value key, since what follows the
// prefix is no brace.
func stagingKey(control, token string) string {
	return ControlPrefix + hex.EncodeToString([]byte(token[:4])) + control[len(ControlPrefix):]
}

var errIncomplete = errors.New("the value did not arrive whole: a part of it is there twice, or Redis ran out of memory")

// storeStaged sends the value by plain commands to a key of its own and has a script
// put it in its place: one round trip, and no limit to the parts.
func (l *Lease) storeStaged(ctx context.Context, deadline time.Time, w *codec.Wire, ttl time.Duration) (stored bool, err error) {
	s := l.store
	return until(ctx, s, deadline, func(ctx context.Context) (bool, error) {
		cmds, err := l.sendStaged(ctx, w, ttl, script.byHash)
		if isUnknownScript(cmds[len(cmds)-1].Err()) {
			run := script.byHash
			if s.teach(ctx, l.keys[0], swap) != nil {
				run = script.whole
			}
			cmds, err = l.sendStaged(ctx, w, ttl, run)
		}
		if err := refused(cmds, err); err != nil {
			return false, err
		}
		swapped, err := cmds[len(cmds)-1].(*redis.Cmd).Int()
		if err == nil && swapped < 0 {
			err = errIncomplete
			for _, cmd := range cmds {
				if cmd.Err() != nil {
					err = cmd.Err()
					break
				}
			}
		}
		return swapped > 0, withoutValue(err)
	})
}

// sendStaged sends one pipeline. It may be repeated as a whole, by go-redis too: so
// it begins by clearing what an earlier one has left. The script that stages the first
// parts, and gives them a life, is sent whole: the parts after it must not find nothing.
func (l *Lease) sendStaged(ctx context.Context, w *codec.Wire, ttl time.Duration, run func(script, context.Context, []string, []any) *redis.Cmd) ([]redis.Cmder, error) {
	kind := l.store.kind
	staged := stagingKey(l.keys[1], l.token)
	p := l.store.rdb.Pipeline()
	send := func(cmd *redis.Cmd) { _ = p.Process(ctx, cmd) }
	if l.store.shape == codec.ShapeString {
		send(redis.NewCmd(ctx, "set", staged, w.Value(0), "px", stagedLife.Milliseconds()))
	} else {
		p.Unlink(ctx, staged)
		first := min(partsPerCommand, w.Len())
		send(stage.whole(ctx, []string{staged}, kind.appendParts([]any{stagedLife.Milliseconds(), kind.add}, w, 0, first)))
		for from := first; from < w.Len(); from += partsPerCommand {
			send(redis.NewCmd(ctx, kind.appendParts([]any{kind.add, staged}, w, from, min(from+partsPerCommand, w.Len()))...))
			p.PExpire(ctx, staged, stagedLife) // the first ones may have been refused, for lack of memory
		}
	}
	size := w.Len()
	if l.store.shape == codec.ShapeString {
		size = len(w.Value(0))
	}
	send(run(swap, ctx, append(l.keys[:2:2], staged), l.guarded(milliseconds(ttl), kind.count, size)))
	return p.Exec(ctx)
}
