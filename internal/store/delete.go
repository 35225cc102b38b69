package store

import (
	"cmp"
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
	errs := make([]error, len(keys))
	pending := make([]int, len(keys))
	for i := range pending {
		pending[i] = i
	}
	if s.replicas == 0 {
		return errs, s.unlinkOn(ctx, s.rdb, keys, pending, errs)
	}
	for {
		byMaster, err := s.byMaster(ctx, keys, pending)
		if err != nil {
			return nil, err
		}
		for master, part := range byMaster {
			err := s.onConn(ctx, master, func(ctx context.Context, to link) error {
				return s.unlinkOn(ctx, to, keys, part, errs)
			})
			for _, i := range part {
				errs[i] = cmp.Or(errs[i], err)
			}
		}
		pending = slices.DeleteFunc(pending, func(i int) bool { return !isMoved(errs[i]) })
		if len(pending) == 0 || !s.reload(ctx) {
			return errs, nil
		}
	}
}

// byMaster returns which of the given indexes of keys each server holds.
func (s *Store) byMaster(ctx context.Context, keys []string, indexes []int) (map[*redis.Client][]int, error) {
	parts := make(map[*redis.Client][]int)
	for _, i := range indexes {
		master, err := s.master(ctx, keys[i])
		if err != nil {
			return nil, err
		}
		parts[master] = append(parts[master], i)
	}
	return parts, nil
}

// unlinkOn removes the keys of the given indexes, and sets the error of each.
//
// A command cannot name both value and control key while their slot is on its way
// from one master of a cluster to another, which may take long. So a cluster gets two
// commands a key, the control key's first: what it permits must not come after the
// value's end.
func (s *Store) unlinkOn(ctx context.Context, to link, keys []string, indexes []int, errs []error) error {
	p := to.Pipeline()
	perKey := 1
	for _, i := range indexes {
		errs[i] = nil
		if s.standalone {
			p.Unlink(ctx, keys[i], ControlKey(keys[i]))
			continue
		}
		p.Unlink(ctx, ControlKey(keys[i]))
		p.Unlink(ctx, keys[i])
		perKey = 2
	}
	cmds, err := p.Exec(ctx)
	for n, cmd := range cmds {
		i := indexes[n/perKey]
		errs[i] = cmp.Or(cmd.Err(), errs[i])
	}
	return refused(cmds, err)
}
