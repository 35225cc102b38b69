package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// fieldsPerCommand and keysPerTrip bound what one command or one pipeline may
// keep the server busy with.
const (
	fieldsPerCommand = 1000
	keysPerTrip      = 1000
)

// Put replaces what the key holds by e.Wire, for ttl or Forever, and ends an
// absent mark or a lease of it, all in one step.
func (s *Store) Put(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) error {
	return s.until(ctx, deadline, func(ctx context.Context) error {
		_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
			control := ControlKey(key)
			if e.Wire.Len() == 0 {
				p.Unlink(ctx, key)
				p.Set(ctx, control, markEmpty, markTTL(ttl))
				return nil
			}
			s.putValue(ctx, p, key, &e.Wire, ttl)
			p.Del(ctx, control)
			return nil
		})
		return err
	})
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
	for from := 0; from < w.Len(); from += fieldsPerCommand {
		args := []any{"hset", key}
		for i := from; i < min(from+fieldsPerCommand, w.Len()); i++ {
			args = append(args, w.Name(i), w.Value(i))
		}
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
	return s.until(ctx, deadline, func(ctx context.Context) error {
		_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Unlink(ctx, key)
			p.Set(ctx, ControlKey(key), markAbsent, markTTL(ttl))
			return nil
		})
		return err
	})
}

// PutIfAbsent is Put if the key holds no value; an absent mark is none, and a key
// of another type is replaced. It is never sent twice: when the connection breaks
// before the answer, the error leaves open whether the value was stored.
func (s *Store) PutIfAbsent(ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration) (stored bool, err error) {
	args := make([]any, 0, 2+2*e.Wire.Len())
	args = append(args, s.shape.String(), ttl.Milliseconds())
	if ttl == Forever {
		args[1] = -1
	}
	for i := range e.Wire.Len() {
		if name := e.Wire.Name(i); name != nil {
			args = append(args, name)
		}
		args = append(args, e.Wire.Value(i))
	}
	err = s.until(ctx, deadline, func(ctx context.Context) (err error) {
		stored, err = s.once(ctx, putIfAbsent, []string{key, ControlKey(key)}, args)
		return err
	})
	if err != nil {
		return false, err
	}
	return stored, nil
}

// Touch gives a value, empty or not, a new life of ttl or Forever. It reports
// false when there is none.
func (s *Store) Touch(ctx context.Context, deadline time.Time, key string, ttl time.Duration) (ok bool, err error) {
	life := ttl.Milliseconds()
	if ttl == Forever {
		life = -1
	}
	err = s.until(ctx, deadline, func(ctx context.Context) (err error) {
		ok, err = touch.Run(ctx, s.rdb, []string{key, ControlKey(key)}, life, markTTL(ttl).Milliseconds()).Bool()
		return err
	})
	if err != nil {
		return false, err
	}
	return ok, nil
}

// Delete removes the keys and all that is noted of them, a thousand keys a round
// trip. failed tells, by index, which keys Redis did not confirm.
func (s *Store) Delete(ctx context.Context, deadline time.Time, keys []string) (failed map[int]error) {
	for from := 0; from < len(keys); from += keysPerTrip {
		part := keys[from:min(from+keysPerTrip, len(keys))]
		errs := make([]error, len(part))
		err := s.until(ctx, deadline, func(ctx context.Context) error {
			p := s.rdb.Pipeline()
			for _, key := range part {
				p.Unlink(ctx, key, ControlKey(key))
			}
			cmds, err := p.Exec(ctx)
			if len(cmds) != len(part) {
				return errors.Join(err, fmt.Errorf("%d of %d deletes were sent", len(cmds), len(part)))
			}
			for i, cmd := range cmds {
				errs[i] = cmd.Err()
			}
			return nil
		})
		for i := range part {
			e := err
			if e == nil {
				e = errs[i]
			}
			if e != nil {
				if failed == nil {
					failed = make(map[int]error)
				}
				failed[from+i] = e
			}
		}
	}
	return failed
}
