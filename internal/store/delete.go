package store

import (
	"context"
	"slices"
	"time"
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
//
// A command cannot name both of them while their slot is on its way from one
// master of a cluster to another, which may take long. So a cluster gets two
// commands a key, the control key's first: what it permits must not come after
// the value's end.
func (s *Store) unlink(ctx context.Context, keys []string) ([]error, error) {
	p := s.rdb.Pipeline()
	perKey := 1
	for _, key := range keys {
		if s.standalone {
			p.Unlink(ctx, key, ControlKey(key))
			continue
		}
		p.Unlink(ctx, ControlKey(key))
		p.Unlink(ctx, key)
		perKey = 2
	}
	cmds, err := p.Exec(ctx)
	if err := refused(cmds, err); err != nil {
		return nil, err
	}
	errs := make([]error, len(keys))
	for i, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			errs[i/perKey] = err
		}
	}
	return errs, nil
}
