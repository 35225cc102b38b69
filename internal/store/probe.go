package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/resp"
)

// Probe is Inspect for those who wait for another's load: it asks in the cheapest way
// there is, and may take a value of another Redis type for none.
func (s *Store) Probe(ctx context.Context, deadline time.Time, key string, e *Entry) error {
	if s.shape != codec.ShapeString || !s.standalone {
		return s.Inspect(ctx, deadline, key, e, false)
	}
	ctx, cancel := s.patience.until(ctx, deadline)
	defer cancel()
	return s.probeString(ctx, key, e)
}

// probeString is one command, which cannot be used while a cluster keeps the two keys
// apart.
func (s *Store) probeString(ctx context.Context, key string, e *Entry) error {
	e.Wire.Reset(key)
	e.State, e.TTL, e.Leased = Missing, 0, false
	ask := func(ctx context.Context) *redis.SliceCmd {
		return redis.NewSliceCmd(ctx, "mget", key, rediskey.ControlKey(key))
	}
	var both *redis.SliceCmd
	err := s.dispatch(often, func() error {
		both = ask(ctx)
		return s.share(ctx, time.Now(), queuedCommand{cmd: both})
	}, func() (err error) {
		both, err = run(ctx, s, func(ctx context.Context) (*redis.SliceCmd, error) {
			cmd := ask(ctx)
			return cmd, process(ctx, s.rdb, cmd)
		})
		return err
	})
	if err != nil {
		return err
	}
	if len(both.Val()) != 2 {
		return resp.ErrBroken
	}
	value, found := both.Val()[0].(string)
	held, _ := both.Val()[1].(string)
	var mark string
	mark, e.Leased = parseControl(held)
	switch {
	case found:
		e.State = Present
		e.Wire.Add(nil, []byte(value))
	case mark == markAbsent:
		e.State = Absent
	}
	return nil
}
