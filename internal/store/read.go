package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// Read asks for a value by one plain command and has e.Wire alias the answer. It knows
// nothing of control keys: not found may also mean absent or empty. The time now
// is when the wait for the answer begins.
func (s *Store) Read(
	ctx context.Context, key string, e *Entry, now time.Time,
) (found bool, err error) {
	e.Wire.Reset(key)
	r := e.read()
	r.key = key
	if s.ttls {
		return s.readWithTTL(ctx, key, e, now, s.readRaw(ctx, r), s.InspectStep(key, e, false, true),
			func() (bool, error) { return r.reply.ParseValue(&e.Wire, s.shape) })
	}
	answered, err := s.Raw(ctx, key, s.readRaw(ctx, r), &r.reply, now)
	switch {
	case err != nil:
		return false, err
	case answered:
		return r.reply.ParseValue(&e.Wire, s.shape)
	}
	return client.Run(s.Context(ctx, now), s.Client, func(ctx context.Context) (bool, error) {
		again := s.readCmd(ctx, key)
		return s.parseValue(&e.Wire, again, s.Process(ctx, s.Redis(), again))
	})
}

// readRaw is the command that has the whole value of r.key put into r.reply.
func (s *Store) readRaw(ctx context.Context, r *entryRead) *redis.RawWriteToCmd {
	if s.KeepsCommands() { // and hooks expect the key as a string
		return redis.NewRawWriteToCmd(ctx, &r.reply, s.readArgs(nil, r.key)...)
	}
	if r.command == nil {
		r.command = redis.NewRawWriteToCmd(context.Background(), &r.reply, s.readArgs(nil, &r.key)...)
	}
	return r.command
}

// parseValue gives w the value that cmd obtained.
func (s *Store) parseValue(w *codec.Wire, cmd *client.Command, err error) (bool, error) {
	switch {
	case client.IsWrongType(err):
		return false, ErrWrongType
	case err != nil:
		return false, err
	}
	return cmd.Reply().ParseValue(w, s.shape)
}
