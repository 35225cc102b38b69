package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
)

// ReadFields asks for fields of a hash by one plain command and has e.Wire alias those that are
// there, under their names, in the order of names. Where found is false, the
// hash may still be there, with other fields. The time now is as in Read.
func (s *Store) ReadFields(
	ctx context.Context, key string, names [][]byte, e *Entry, now time.Time,
) (found bool, err error) {
	e.Wire.Reset(key)
	r := e.read()
	args := make([]any, 0, 2+len(names))
	args = append(args, "hmget", key)
	for _, name := range names {
		args = append(args, name)
	}
	read := redis.NewRawWriteToCmd(ctx, &r.reply, args...)
	if s.ttls {
		r.key = key
		return s.readWithTTL(ctx, key, e, now, read, s.FieldsStep(key, names, e),
			func() (bool, error) { return r.reply.ParseFields(&e.Wire, names) })
	}
	answered, err := s.Raw(ctx, key, read, &r.reply, now)
	switch {
	case err != nil:
		return false, err
	case answered:
		return r.reply.ParseFields(&e.Wire, names)
	}
	return client.Run(s.Context(ctx, now), s.Client, func(ctx context.Context) (bool, error) {
		again := client.NewCommand(ctx, args...)
		err := s.Process(ctx, s.Redis(), again)
		switch {
		case client.IsWrongType(err):
			return false, ErrWrongType
		case err != nil:
			return false, err
		}
		return again.Reply().ParseFields(&e.Wire, names)
	})
}
