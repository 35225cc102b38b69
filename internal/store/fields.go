package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// ReadFields asks for fields of a hash by one plain command and lends those that are
// there to e.Wire, under their names, in the order of names. Where found is false, the
// hash may still be there, with other fields. The time now is as of Read.
func (s *Store) ReadFields(ctx context.Context, key string, names [][]byte, e *Entry, now time.Time) (found bool, err error) {
	e.Wire.Reset(key)
	args := make([]any, 0, 2+len(names))
	args = append(args, "hmget", key)
	for _, name := range names {
		args = append(args, name)
	}
	answered, err := s.askRaw(ctx, key, e, redis.NewRawWriteToCmd(ctx, &e.reply, args...), now)
	switch {
	case err != nil:
		return false, err
	case answered:
		return e.reply.ParseFields(&e.Wire, names)
	}
	return run(s.patience.context(ctx, now), s, func(ctx context.Context) (bool, error) {
		again := newCommand(ctx, args...)
		err := process(ctx, s.rdb, again)
		switch {
		case isWrongType(err):
			return false, ErrWrongType
		case err != nil:
			return false, err
		}
		return again.reply.ParseFields(&e.Wire, names)
	})
}
