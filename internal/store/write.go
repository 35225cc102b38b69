package store

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
)

// partsPerCommand bounds the arguments of one command.
const partsPerCommand = 1000

// Put replaces what the key holds by e.Wire, for ttl or Forever, and ends an
// absent mark or a lease of it, all in one step.
func (s *Store) Put(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) error {
	return s.put(ctx, deadline, s.PutStep(key, e, ttl))
}

// PutAbsent removes the value and notes for ttl that the source has none.
func (s *Store) PutAbsent(ctx context.Context, deadline time.Time, key string, ttl time.Duration) error {
	return s.put(ctx, deadline, s.PutAbsentStep(key, ttl))
}

// put carries out a write by its script or, where scripts are refused, as a transaction.
// What has served last is tried first.
func (s *Store) put(ctx context.Context, deadline time.Time, w *Write) error {
	ways := []func() error{
		func() error { return s.putByScript(ctx, deadline, w) },
		func() error { return s.putPlainly(ctx, deadline, w) },
	}
	plainFirst := s.scriptless.Load()
	if plainFirst {
		slices.Reverse(ways)
	}
	err := ways[0]()
	if !withoutScripts(err) {
		return err
	}
	if other := ways[1](); !withoutScripts(other) {
		s.scriptless.Store(!plainFirst)
		return other
	}
	return err
}

// withoutScripts reports whether what a script was to do may be done without one.
func withoutScripts(err error) bool { return isForbidden(err) || IsNoScripts(err) }

func (s *Store) putByScript(ctx context.Context, deadline time.Time, w *Write) error {
	if e, ok := w.errand(); ok {
		_, err := s.judge(ctx, deadline, e)
		return err
	}
	errs, err := until(ctx, s, deadline, func(ctx context.Context) ([]error, error) {
		return s.doFitting(ctx, []Step{w}, false, s.replicas)
	})
	if err != nil {
		return err
	}
	return errs[0]
}

func (s *Store) putPlainly(ctx context.Context, deadline time.Time, w *Write) error {
	_, err := until(ctx, s, deadline, func(ctx context.Context) (struct{}, error) {
		send := func(ctx context.Context, to link) error { return s.transact(ctx, to, often, w.plain(ctx)) }
		return struct{}{}, s.fit(ctx, w.key, w.longest, often, func() error {
			if s.replicas > 0 {
				return s.replicated(ctx, w.key, often, send)
			}
			return s.onMaster(ctx, s.rdb, w.key, send)
		})
	})
	return err
}

// plain are the commands that do without a script what put.lua does.
func (w *Write) plain(ctx context.Context) []*command {
	s, control := w.store, rediskey.ControlKey(w.key)
	switch {
	case w.mark != "":
		return []*command{
			newSmall(ctx, "unlink", w.key),
			newSmall(ctx, "set", control, w.mark, "px", markTTL(w.ttl).Milliseconds()),
		}
	case s.shape == codec.ShapeString:
		set := []any{"set", w.key, w.value.Value(0)}
		if w.ttl != Forever {
			set = append(set, "px", w.ttl.Milliseconds())
		}
		return []*command{newSmall(ctx, set...), newSmall(ctx, "del", control)}
	}
	cmds := []*command{newSmall(ctx, "unlink", w.key)}
	for from := 0; from < w.value.Len(); from += partsPerCommand {
		to := min(from+partsPerCommand, w.value.Len())
		cmds = append(cmds, newSmall(ctx, s.kind.appendParts([]any{s.kind.add, w.key}, w.value, from, to)...))
	}
	if w.ttl != Forever {
		cmds = append(cmds, newSmall(ctx, "pexpire", w.key, w.ttl.Milliseconds()))
	}
	return append(cmds, newSmall(ctx, "del", control))
}

// endless is the life of a mark whose value does not expire: a control key always
// has a TTL.
const endless = 10 * 365 * 24 * time.Hour

func markTTL(ttl time.Duration) time.Duration {
	if ttl == Forever {
		return endless
	}
	return ttl
}

// PutIfAbsent is Put if the key holds no value; an absent mark is none, and a key
// of another type is replaced. It is never carried out twice: when the connection
// breaks before the answer, the error leaves open whether the value was stored.
func (s *Store) PutIfAbsent(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) (stored bool, err error) {
	args := s.putIfAbsentArgs(e, ttl)
	if s.replicas == 0 && isSmall(e) {
		return s.judge(ctx, deadline, errand{script: putIfAbsent, how: once, keys: keysOf(key), args: args})
	}
	longest := e.largest()
	return until(ctx, s, deadline, func(ctx context.Context) (stored bool, err error) { // results of its own: the caller may have left
		send := func(ctx context.Context, to link) error {
			cmd, err := s.eval(ctx, to, putIfAbsent, once, keysOf(key), args)
			n := int64(0)
			if err == nil {
				n, err = cmd.int()
			}
			stored = n == 1
			return withoutValue(err)
		}
		err = s.fit(ctx, key, longest, once, func() error {
			if s.replicas > 0 {
				return s.replicated(ctx, key, once, send)
			}
			return send(ctx, s.rdb)
		})
		return stored && err == nil, err
	})
}

func (s *Store) putIfAbsentArgs(e *Entry, ttl time.Duration) []any {
	args := make([]any, 0, 3+2*e.Wire.Len())
	args = append(args, s.kind.name, milliseconds(ttl), s.kind.add)
	return s.kind.appendParts(args, &e.Wire, 0, e.Wire.Len())
}

// Touch gives a value, empty or not, a new life of ttl or Forever. It reports
// false when there is none; a key of another type is none.
func (s *Store) Touch(ctx context.Context, deadline time.Time, key string, ttl time.Duration) (ok bool, err error) {
	return s.judge(ctx, deadline, errand{script: touch, how: often, keys: keysOf(key), args: s.touchArgs(ttl)})
}

func (s *Store) touchArgs(ttl time.Duration) []any {
	return []any{s.kind.name, milliseconds(ttl), milliseconds(markTTL(ttl))}
}

// milliseconds is a TTL as the scripts take it: -1 for Forever.
func milliseconds(ttl time.Duration) int64 {
	if ttl == Forever {
		return -1
	}
	return ttl.Milliseconds()
}
