package store

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// stagedTTL is how long a staged value may lie about.
const stagedTTL = 30 * time.Second

var errIncomplete = errors.New("the value did not arrive whole: a part of it is there twice, or Redis ran out of memory")

// incomplete is why a value was not staged by these commands.
func incomplete(cmds []*client.Command) error {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return cmd.Err()
		}
	}
	return errIncomplete
}

// storeStaged sends the value by plain commands to a key of its own and has a script
// put it in its place: one round trip, and no limit to the parts.
func (l *Lease) storeStaged(
	ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration,
) (stored bool, err error) {
	return client.RunUntil(ctx, l.store.Client, deadline, func(ctx context.Context) (bool, error) {
		step := &swapStep{lease: l, value: &e.Wire, ttl: ttl, longest: e.largest()}
		errs, err := l.store.SendSteps(ctx, []client.Step{step}, false, 0)
		if err == nil {
			err = errs[0]
		}
		return step.stored, err
	})
}

// A swapStep stores a staged value. It may be repeated as a whole, by go-redis too: so it
// begins by clearing what an earlier attempt has left.
type swapStep struct {
	lease   *Lease
	value   *codec.Wire
	ttl     time.Duration
	longest int
	stored  bool
}

func (w *swapStep) Key() string            { return w.lease.Key() }
func (w *swapStep) Keys() []string         { return []string{w.lease.Key()} }
func (w *swapStep) Durable() bool          { return false }
func (w *swapStep) Writes() bool           { return true }
func (w *swapStep) Retry() client.Retry    { return client.Retryable }
func (w *swapStep) Largest() int           { return w.longest }
func (w *swapStep) Script() *client.Script { return w.lease.either(swap, swapUpgrade) }

func (w *swapStep) Commands(ctx context.Context, mode client.EvalMode) []*client.Command {
	l := w.lease
	staged := l.store.family.Staging(l.keys[1].(string), l.token.(string))
	args := l.guarded(milliseconds(w.ttl), l.store.kind.count, l.store.partsOf(w.value), l.store.markerEmpty())
	return append(l.store.stageValue(ctx, staged, w.value), mode.Command(ctx, w.Script(), l.guardedKeys(staged), args))
}

func (w *swapStep) Answered(_ context.Context, _ *client.Client, cmds []*client.Command) error {
	swapped, err := cmds[len(cmds)-1].Int()
	if err == nil && swapped < 0 {
		err = incomplete(cmds)
	}
	w.stored = swapped > 0
	return client.Redact(err)
}

// stageValue are the commands that stage a value.
func (s *Store) stageValue(ctx context.Context, staged string, w *codec.Wire) []*client.Command {
	if s.shape == codec.ShapeString {
		return []*client.Command{client.NewSmall(ctx, "set", staged, w.Value(0), "px", stagedTTL.Milliseconds())}
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
// some of them to arguments. The script that stages the first ones, and gives them a TTL,
// is sent whole: the parts after it must not find nothing.
func stageParts(
	ctx context.Context, staged string, add any, n int, parts func(args []any, from, to int) []any,
) []*client.Command {
	first := min(partsPerCommand, n)
	cmds := []*client.Command{
		client.NewSmall(ctx, "unlink", staged),
		client.Inline.Command(ctx, stage, []any{staged}, parts([]any{stagedTTL.Milliseconds(), add}, 0, first)),
	}
	for from := first; from < n; from += partsPerCommand {
		cmds = append(cmds,
			client.NewSmall(ctx, parts([]any{add, staged}, from, min(from+partsPerCommand, n))...),
			// The first ones may have been refused, for lack of memory.
			client.NewSmall(ctx, "pexpire", staged, stagedTTL.Milliseconds()))
	}
	return cmds
}
