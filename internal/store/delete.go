package store

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// keysPerTrip bounds what one pipeline of deletes may keep the server busy with.
const keysPerTrip = 1000

// Delete removes the keys and all that is noted of them, a thousand keys a round
// trip. failed tells, by index, which keys Redis did not confirm; nil for none.
func (s *Store) Delete(ctx context.Context, deadline time.Time, keys []string) (failed map[int]error) {
	first := 0
	for part := range slices.Chunk(keys, keysPerTrip) {
		errs, err := until(ctx, s, deadline, func(ctx context.Context) ([]error, error) {
			return s.unlink(ctx, part)
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
				failed[first+i] = e
			}
		}
		first += len(part)
	}
	return failed
}

// unlink removes value and control keys and returns an error for each value key.
func (s *Store) unlink(ctx context.Context, keys []string) ([]error, error) {
	p := s.rdb.Pipeline()
	cmds := make([]*redis.IntCmd, len(keys))
	for i, key := range keys {
		cmds[i] = p.Unlink(ctx, key, ControlKey(key))
	}
	if err := refused(p.Exec(ctx)); err != nil {
		return nil, err
	}
	errs := make([]error, len(keys))
	var torn []int
	for i, cmd := range cmds {
		if errs[i] = cmd.Err(); redis.HasErrorPrefix(errs[i], "TRYAGAIN") {
			torn = append(torn, i)
		}
	}
	if torn == nil {
		return errs, nil
	}
	return errs, s.unlinkApart(ctx, keys, torn, errs)
}

// unlinkApart removes keys whose slot is on its way from one master to another. No
// command can name two keys of such a slot, and it may stay so for as long as the
// slot takes. The control key goes first: what it permits ends no later than the
// value does.
func (s *Store) unlinkApart(ctx context.Context, keys []string, torn []int, errs []error) error {
	p := s.rdb.Pipeline()
	cmds := make([][2]*redis.IntCmd, len(torn))
	for i, t := range torn {
		cmds[i] = [2]*redis.IntCmd{p.Unlink(ctx, ControlKey(keys[t])), p.Unlink(ctx, keys[t])}
	}
	if err := refused(p.Exec(ctx)); err != nil {
		return err
	}
	for i, t := range torn {
		errs[t] = cmds[i][0].Err()
		if err := cmds[i][1].Err(); err != nil {
			errs[t] = err
		}
	}
	return nil
}
