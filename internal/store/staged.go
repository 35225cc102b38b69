package store

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
)

// stagedLife is how long a staged value may lie about.
const stagedLife = 30 * time.Second

var errIncomplete = errors.New("the value did not arrive whole: a part of it is there twice, or Redis ran out of memory")

// incomplete is why a value was not staged by these commands.
func incomplete(cmds []*command) error {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return cmd.Err()
		}
	}
	return errIncomplete
}

// storeStaged sends the value by plain commands to a key of its own and has a script
// put it in its place: one round trip, and no limit to the parts.
func (l *Lease) storeStaged(ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration) (stored bool, err error) {
	s, longest := l.store, e.largest()
	return until(ctx, s, deadline, func(ctx context.Context) (stored bool, err error) { // results of its own: the caller may have left
		err = s.fit(ctx, l.Key(), longest, often, func() (err error) {
			stored, err = l.stageAndSwap(ctx, &e.Wire, ttl)
			return err
		})
		return stored, err
	})
}

// stageAndSwap sends what storeStaged does.
func (l *Lease) stageAndSwap(ctx context.Context, w *codec.Wire, ttl time.Duration) (stored bool, err error) {
	s := l.store
	cmds, err := l.sendStaged(ctx, w, ttl, (*script).byHash)
	if isUnknownScript(cmds[len(cmds)-1].Err()) {
		run := (*script).byHash
		if s.teach(ctx, s.rdb, l.Key(), swap) != nil {
			run = (*script).whole
		}
		cmds, err = l.sendStaged(ctx, w, ttl, run)
	}
	if err := refused(cmders(cmds), err); err != nil {
		return false, err
	}
	swapped, err := cmds[len(cmds)-1].int()
	if err == nil && swapped < 0 {
		err = incomplete(cmds)
	}
	return swapped > 0, causeOf(withoutValue(err), cmds)
}

// sendStaged sends one pipeline. It may be repeated as a whole, by go-redis too: so
// it begins by clearing what an earlier one has left.
func (l *Lease) sendStaged(ctx context.Context, w *codec.Wire, ttl time.Duration, as form) ([]*command, error) {
	staged := rediskey.StagingKey(l.keys[1].(string), l.token.(string))
	cmds := l.store.stageValue(ctx, staged, w)
	args := l.guarded(milliseconds(ttl), l.store.kind.count, l.store.partsOf(w))
	cmds = append(cmds, as(swap, ctx, append(l.keys[:2:2], staged), args))
	return cmds, l.store.execWrites(ctx, l.store.rdb, often, cmders(cmds))
}

// stageValue are the commands that stage a value.
func (s *Store) stageValue(ctx context.Context, staged string, w *codec.Wire) []*command {
	if s.shape == codec.ShapeString {
		return []*command{newSmall(ctx, "set", staged, w.Value(0), "px", stagedLife.Milliseconds())}
	}
	return stageParts(ctx, staged, s.kind.add, w.Len(), func(args []any, from, to int) []any {
		return s.kind.appendParts(args, w, from, to)
	})
}

// partsOf is what the command that counts the parts of a value says of a whole one.
func (s *Store) partsOf(w *codec.Wire) int {
	if s.shape == codec.ShapeString {
		return len(w.Value(0))
	}
	return w.Len()
}

// stageParts are the commands that add n parts to a staged key, given by what appends
// some of them to arguments. The script that stages the first ones, and gives them a life,
// is sent whole: the parts after it must not find nothing.
func stageParts(ctx context.Context, staged string, add any, n int, parts func(args []any, from, to int) []any) []*command {
	first := min(partsPerCommand, n)
	cmds := []*command{
		newSmall(ctx, "unlink", staged),
		stage.whole(ctx, []any{staged}, parts([]any{stagedLife.Milliseconds(), add}, 0, first)),
	}
	for from := first; from < n; from += partsPerCommand {
		cmds = append(cmds,
			newSmall(ctx, parts([]any{add, staged}, from, min(from+partsPerCommand, n))...),
			newSmall(ctx, "pexpire", staged, stagedLife.Milliseconds())) // the first ones may have been refused, for lack of memory
	}
	return cmds
}
