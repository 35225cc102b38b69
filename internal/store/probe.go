package store

import (
	"context"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
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
	ask := func(ctx context.Context) *command {
		return newCommand(ctx, "mget", key, rediskey.ControlKey(key))
	}
	var both *command
	err := s.dispatch(often, func() error {
		both = ask(ctx)
		return s.share(ctx, time.Now(), queuedCommand{cmd: both.RawWriteToCmd})
	}, func() (err error) {
		both, err = run(ctx, s, func(ctx context.Context) (*command, error) {
			cmd := ask(ctx)
			return cmd, process(ctx, s.rdb, cmd)
		})
		return err
	})
	if err != nil {
		return err
	}
	values, err := both.reply.Strings(2)
	if err != nil {
		return err
	}
	value, held := values[0], values[1]
	var mark string
	mark, e.Leased = parseControl(string(held))
	switch {
	case value != nil:
		e.State = Present
		e.Wire.Add(nil, value)
	case mark == markAbsent:
		e.State = Absent
	}
	return nil
}
