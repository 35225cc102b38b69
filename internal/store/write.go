package store

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// partsPerCommand bounds the arguments of one command.
const partsPerCommand = 1000

// Put replaces what the key holds by e.Wire, for ttl or Forever, and ends an
// absent marker or a lease of it, all in one step.
func (s *Store) Put(
	ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration,
) error {
	return s.put(ctx, deadline, s.PutStep(key, e, ttl))
}

// PutAbsent removes the value and says for ttl that the source has none.
func (s *Store) PutAbsent(
	ctx context.Context, deadline time.Time, key string, ttl time.Duration,
) error {
	return s.put(ctx, deadline, s.PutAbsentStep(key, ttl))
}

// put carries out a write by its script or, where scripts or control keys are refused, as a
// transaction.
func (s *Store) put(ctx context.Context, deadline time.Time, w *Write) error {
	if s.control.Holds() {
		return s.putPlainly(ctx, deadline, w)
	}
	err := s.putEitherWay(ctx, deadline, w)
	switch {
	case err == nil && s.Scripts().Cause() == nil:
		s.control.Clear()
	case s.refusesControl(ctx, deadline, w.key, err):
		return s.putPlainly(ctx, deadline, w)
	}
	return err
}

// putEitherWay is put where control keys are permitted. What has served last is tried first.
func (s *Store) putEitherWay(ctx context.Context, deadline time.Time, w *Write) error {
	ways := []func() error{
		func() error { return s.putByScript(ctx, deadline, w) },
		func() error { return s.putPlainly(ctx, deadline, w) },
	}
	plainFirst := s.Scripts().Holds()
	if plainFirst {
		slices.Reverse(ways)
	}
	err := ways[0]()
	if !withoutScripts(err) {
		if err == nil && !plainFirst {
			s.Scripts().Clear()
		}
		return err
	}
	switch other := ways[1](); {
	case withoutScripts(other):
		return err
	case plainFirst:
		s.Scripts().Clear()
		return other
	default:
		s.Scripts().Note(err)
		return other
	}
}

// withoutScripts reports whether what a script was to do may be done without one.
func withoutScripts(err error) bool {
	return client.IsForbidden(err) && !client.RefusesKey(err) || client.IsNoScripts(err)
}

func (s *Store) putByScript(ctx context.Context, deadline time.Time, w *Write) error {
	if e, ok := w.call(); ok {
		_, err := s.EvalBool(ctx, deadline, e)
		return err
	}
	return s.sendStep(ctx, deadline, w, false)
}

// sendStep sends a write in a pipeline of its own, or in one step as a transaction.
func (s *Store) sendStep(
	ctx context.Context, deadline time.Time, step client.Step, inOneStep bool,
) error {
	_, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) (struct{}, error) {
		errs, err := s.SendSteps(ctx, []client.Step{step}, inOneStep, s.Replicas())
		if err == nil {
			err = errs[0]
		}
		return struct{}{}, err
	})
	return err
}

func (s *Store) putPlainly(ctx context.Context, deadline time.Time, w *Write) error {
	return s.sendStep(ctx, deadline, plainStep{w}, true)
}

// A plainStep does without a script what put.lua does.
type plainStep struct{ *Write }

func (w plainStep) Script() *client.Script { return nil }

func (w plainStep) Commands(ctx context.Context, _ client.EvalMode) []*client.Command {
	return w.plain(ctx)
}

func (w plainStep) Answered(_ context.Context, _ *client.Client, cmds []*client.Command) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	if w.marker != "" && w.partial {
		return w.store.withoutControl(w.key)
	}
	return nil
}

// plain are the commands that do without a script what put.lua does.
func (w *Write) plain(ctx context.Context) []*client.Command {
	s, keys := w.store, w.keys()
	control, beside := keys[1], keys[1:]
	unlink := client.NewSmall(ctx, append([]any{"unlink", w.key}, keys[2:]...)...)
	if w.partial = s.control.Cause() != nil; w.partial {
		control, beside = nil, keys[2:]
	}
	switch {
	case w.marker != "" && control == nil:
		return []*client.Command{unlink}
	case w.marker != "":
		return []*client.Command{
			unlink,
			client.NewSmall(ctx, "set", control, w.marker, "px", markerTTL(w.ttl).Milliseconds()),
		}
	case s.shape == codec.ShapeString:
		set := []any{"set", w.key, w.value.Value(0)}
		if w.ttl != Forever {
			set = append(set, "px", w.ttl.Milliseconds())
		}
		if len(beside) == 0 {
			return []*client.Command{client.NewSmall(ctx, set...)}
		}
		return []*client.Command{
			client.NewSmall(ctx, set...), client.NewSmall(ctx, append([]any{"unlink"}, beside...)...),
		}
	}
	cmds := []*client.Command{unlink}
	for from := 0; from < w.value.Len(); from += partsPerCommand {
		to := min(from+partsPerCommand, w.value.Len())
		cmds = append(cmds, client.NewSmall(ctx, s.kind.appendParts([]any{s.kind.add, w.key}, w.value, from, to)...))
	}
	if w.ttl != Forever {
		cmds = append(cmds, client.NewSmall(ctx, "pexpire", w.key, w.ttl.Milliseconds()))
	}
	if control == nil {
		return cmds
	}
	return append(cmds, client.NewSmall(ctx, "del", control))
}

// endless is the TTL of a marker whose value does not expire: a control key always
// has a TTL.
const endless = 10 * 365 * 24 * time.Hour

func markerTTL(ttl time.Duration) time.Duration {
	if ttl == Forever {
		return endless
	}
	return ttl
}

// PutIfAbsent is Put if the key holds no value; an absent marker is none, and a key
// of another type is replaced. It is never carried out twice: when the connection
// breaks before the answer, the error leaves open whether the value was stored.
func (s *Store) PutIfAbsent(
	ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration,
) (stored bool, err error) {
	if s.Unleased() {
		return s.putIfAbsentPlainly(ctx, deadline, key, e, ttl)
	}
	stored, err = s.putIfAbsentByScript(ctx, deadline, key, e, ttl)
	if s.RefusesLeases(ctx, deadline, key, err) {
		return s.putIfAbsentPlainly(ctx, deadline, key, e, ttl)
	}
	return stored, err
}

func (s *Store) putIfAbsentByScript(
	ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration,
) (stored bool, err error) {
	w := s.PutIfAbsentStep(key, e, ttl)
	if s.Replicas() == 0 && isSmall(e) {
		call, _ := w.call()
		return s.EvalBool(ctx, deadline, call)
	}
	err = s.sendStep(ctx, deadline, w, false)
	return err == nil && w.Done, err
}

func (s *Store) putIfAbsentArgs(e *Entry, ttl time.Duration) []any {
	args := make([]any, 0, 4+2*e.Wire.Len())
	args = append(args, s.kind.name, milliseconds(ttl), s.markerEmpty(), s.kind.add)
	return s.kind.appendParts(args, &e.Wire, 0, e.Wire.Len())
}

// Touch gives a value, empty or not, a new TTL, or Forever. It reports
// false when there is none; a key of another type is none.
func (s *Store) Touch(
	ctx context.Context, deadline time.Time, key string, ttl time.Duration,
) (ok bool, err error) {
	if s.Unleased() {
		return s.touchPlainly(ctx, deadline, key, ttl)
	}
	ok, err = s.EvalBool(ctx, deadline, client.Call{Script: touch, Retry: client.Retryable, Keys: s.loadKeys(key), Args: s.touchArgs(ttl)})
	if s.RefusesLeases(ctx, deadline, key, err) {
		return s.touchPlainly(ctx, deadline, key, ttl)
	}
	return ok, err
}

func (s *Store) touchArgs(ttl time.Duration) []any {
	return []any{s.kind.name, milliseconds(ttl), s.markerEmpty(), milliseconds(markerTTL(ttl))}
}

// milliseconds is a TTL as the scripts take it: -1 for Forever.
func milliseconds(ttl time.Duration) int64 {
	if ttl == Forever {
		return -1
	}
	return ttl.Milliseconds()
}
