package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
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
		return e.reply.lendFields(&e.Wire, names)
	}
	return run(s.patience.context(ctx, now), s, func(ctx context.Context) (bool, error) {
		again := redis.NewSliceCmd(ctx, args...)
		err := process(ctx, s.rdb, again)
		switch {
		case redis.HasErrorPrefix(err, "WRONGTYPE"):
			return false, ErrWrongType
		case err != nil:
			return false, err
		}
		return giveFields(&e.Wire, names, again.Val())
	})
}

// lendFields is lend for the answer to HMGET.
func (r *reply) lendFields(w *codec.Wire, names [][]byte) (found bool, err error) {
	p := parser{r.buf}
	if kind, n, err := p.header(); err != nil || kind != '*' || n != len(names) {
		return false, errReply
	}
	for _, name := range names {
		kind, n, err := p.header()
		switch {
		case err != nil, kind != '$' && kind != '_':
			return false, errReply
		case kind == '_' || n < 0: // no such field
			continue
		}
		value, err := p.bulk(n)
		if err != nil {
			return false, err
		}
		w.Add(name, value)
	}
	if len(p.rest) > 0 {
		return false, errReply
	}
	return w.Len() > 0, nil
}

// giveFields is give for the answer to HMGET.
func giveFields(w *codec.Wire, names [][]byte, values []any) (found bool, err error) {
	if len(values) != len(names) {
		return false, errReply
	}
	for i, value := range values {
		switch value := value.(type) {
		case nil: // no such field
		case string:
			w.Add(names[i], []byte(value))
		default:
			return false, errReply
		}
	}
	return w.Len() > 0, nil
}
