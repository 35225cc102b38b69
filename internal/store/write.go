package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// partsPerCommand bounds the arguments of one command.
const partsPerCommand = 1000

// Put replaces what the key holds by e.Wire, for ttl or Forever, and ends an
// absent mark or a lease of it, all in one step.
func (s *Store) Put(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) error {
	return s.transact(ctx, deadline, key, func(ctx context.Context, p redis.Pipeliner) {
		control := ControlKey(key)
		if e.Wire.Len() == 0 {
			p.Unlink(ctx, key)
			p.Set(ctx, control, markEmpty, markTTL(ttl))
			return
		}
		s.putValue(ctx, p, key, &e.Wire, ttl)
		p.Del(ctx, control)
	})
}

// transact sends the commands on key that queue adds as one transaction.
func (s *Store) transact(ctx context.Context, deadline time.Time, key string, queue func(context.Context, redis.Pipeliner)) error {
	_, err := until(ctx, s, deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.replicated(ctx, key, func(ctx context.Context, to link) error {
			p := to.TxPipeline()
			queue(ctx, p)
			cmds, err := p.Exec(ctx)
			return withoutValue(reason(cmds, err))
		})
	})
	return err
}

func (s *Store) putValue(ctx context.Context, p redis.Pipeliner, key string, w *codec.Wire, ttl time.Duration) {
	if s.shape == codec.ShapeString {
		args := []any{"set", key, w.Value(0)}
		if ttl != Forever {
			args = append(args, "px", ttl.Milliseconds())
		}
		_ = p.Process(ctx, redis.NewStatusCmd(ctx, args...))
		return
	}
	p.Unlink(ctx, key)
	for from := 0; from < w.Len(); from += partsPerCommand {
		args := s.kind.appendParts([]any{s.kind.add, key}, w, from, min(from+partsPerCommand, w.Len()))
		_ = p.Process(ctx, redis.NewIntCmd(ctx, args...))
	}
	if ttl != Forever {
		p.PExpire(ctx, key, ttl)
	}
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

// PutAbsent removes the value and notes for ttl that the source has none.
func (s *Store) PutAbsent(ctx context.Context, deadline time.Time, key string, ttl time.Duration) error {
	return s.transact(ctx, deadline, key, func(ctx context.Context, p redis.Pipeliner) {
		p.Unlink(ctx, key)
		p.Set(ctx, ControlKey(key), markAbsent, markTTL(ttl))
	})
}

// PutIfAbsent is Put if the key holds no value; an absent mark is none, and a key
// of another type is replaced. It is never carried out twice: when the connection
// breaks before the answer, the error leaves open whether the value was stored.
func (s *Store) PutIfAbsent(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) (stored bool, err error) {
	args := s.putIfAbsentArgs(e, ttl)
	return until(ctx, s, deadline, func(ctx context.Context) (stored bool, err error) { // results of its own: the caller may have left
		err = s.replicated(ctx, key, func(ctx context.Context, to link) error {
			answer, err := s.eval(ctx, to, putIfAbsent, once, keysOf(key), args)
			if err == nil {
				stored, err = answer.Bool()
			}
			return withoutValue(err)
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
	return until(ctx, s, deadline, func(ctx context.Context) (bool, error) {
		answer, err := s.eval(ctx, s.rdb, touch, often, keysOf(key), s.touchArgs(ttl))
		if err != nil {
			return false, err
		}
		return answer.Bool()
	})
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
