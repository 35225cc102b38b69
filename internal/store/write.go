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
	if e.Wire.Len() == 0 {
		return s.putMark(ctx, deadline, key, markEmpty, ttl)
	}
	alone := func() error {
		return s.transact(ctx, deadline, key, func(ctx context.Context, p redis.Pipeliner) {
			s.putValue(ctx, p, key, &e.Wire, ttl)
			p.Del(ctx, ControlKey(key))
		})
	}
	if s.replicas > 0 || !isSmall(e) {
		return alone()
	}
	return s.write(ctx, deadline, func() errand { return s.putting(key, e, ttl) }, alone)
}

// PutAbsent removes the value and notes for ttl that the source has none.
func (s *Store) PutAbsent(ctx context.Context, deadline time.Time, key string, ttl time.Duration) error {
	return s.putMark(ctx, deadline, key, markAbsent, ttl)
}

func (s *Store) putMark(ctx context.Context, deadline time.Time, key, mark string, ttl time.Duration) error {
	alone := func() error {
		return s.transact(ctx, deadline, key, func(ctx context.Context, p redis.Pipeliner) {
			p.Unlink(ctx, key)
			p.Set(ctx, ControlKey(key), mark, markTTL(ttl))
		})
	}
	if s.replicas > 0 {
		return alone()
	}
	return s.write(ctx, deadline, func() errand { return s.marking(key, mark, ttl) }, alone)
}

// write stores one value, or a mark, by an errand along with others or by what alone does.
func (s *Store) write(ctx context.Context, deadline time.Time, errand func() errand, alone func() error) error {
	return s.dispatch(often, func() error {
		ctx, cancel := s.patience.until(ctx, deadline)
		defer cancel()
		e := errand()
		return withoutValue(s.share(ctx, time.Now(), passenger{errand: &e}))
	}, alone)
}

// putting is the errand of Put for a value that is neither empty nor large.
func (s *Store) putting(key string, e *Entry, ttl time.Duration) errand {
	return errand{script: put, how: often, keys: keysOf(key), args: s.putArgs(e, ttl)}
}

// marking is the errand that stores a mark in place of a value.
func (s *Store) marking(key, mark string, ttl time.Duration) errand {
	return errand{script: put, how: often, keys: keysOf(key), args: s.markArgs(mark, ttl)}
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

// PutIfAbsent is Put if the key holds no value; an absent mark is none, and a key
// of another type is replaced. It is never carried out twice: when the connection
// breaks before the answer, the error leaves open whether the value was stored.
func (s *Store) PutIfAbsent(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) (stored bool, err error) {
	args := s.putIfAbsentArgs(e, ttl)
	if s.replicas == 0 && isSmall(e) {
		return s.judge(ctx, deadline, errand{script: putIfAbsent, how: once, keys: keysOf(key), args: args})
	}
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
