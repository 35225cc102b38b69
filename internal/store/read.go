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
	e.key = key
	if s.ttls {
		return s.readWithTTL(ctx, key, e, now, s.readRaw(ctx, e), s.InspectStep(key, e, false, true),
			func() (bool, error) { return e.reply.ParseValue(&e.Wire, s.shape) })
	}
	answered, err := s.Raw(ctx, key, s.readRaw(ctx, e), &e.reply, now)
	switch {
	case err != nil:
		return false, err
	case answered:
		return e.reply.ParseValue(&e.Wire, s.shape)
	}
	return client.Run(s.Context(ctx, now), s.Client, func(ctx context.Context) (bool, error) {
		again := s.readCmd(ctx, key)
		return s.parseValue(&e.Wire, again, s.Process(ctx, s.Redis(), again))
	})
}

// readRaw is the command that has the whole value of e.key put into e.reply.
func (s *Store) readRaw(ctx context.Context, e *Entry) *redis.RawWriteToCmd {
	if s.KeepsCommands() { // and hooks expect the key as a string
		return redis.NewRawWriteToCmd(ctx, &e.reply, s.readArgs(nil, e.key)...)
	}
	if e.command == nil {
		e.command = redis.NewRawWriteToCmd(context.Background(), &e.reply, s.readArgs(nil, &e.key)...)
	}
	return e.command
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
