package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

// keysPerTrip bounds what one pipeline of deletes may keep the server busy with.
const keysPerTrip = 1000

// Delete removes the keys and all that is noted of them, a thousand keys a round
// trip. failed tells, by index, which keys Redis did not confirm; nil for none.
func (s *Store) Delete(ctx context.Context, deadline time.Time, keys []string) (failed map[int]error) {
	if len(keys) != 1 || s.replicas > 0 {
		return s.deleteMany(ctx, deadline, keys)
	}
	if err := s.deleteOne(ctx, deadline, keys[0]); err != nil {
		return map[int]error{0: err}
	}
	return nil
}

// deleteOne removes one key along with other commands, or by itself.
func (s *Store) deleteOne(ctx context.Context, deadline time.Time, key string) error {
	return s.dispatch(often, func() error {
		ctx, cancel := s.patience.until(ctx, deadline)
		defer cancel()
		var all []queuedCommand
		cmds := s.unlinks(ctx, key)
		for _, cmd := range cmds {
			all = append(all, queuedCommand{cmd: cmd})
		}
		if err := s.share(ctx, time.Now(), all...); err != nil {
			return err // they may still be in use
		}
		return unlinked(cmds)
	}, func() error {
		_, err := until(ctx, s, deadline, func(ctx context.Context) (struct{}, error) {
			cmds := s.unlinks(ctx, key)
			if len(cmds) == 1 {
				return struct{}{}, cmp.Or(s.processWrite(ctx, s.rdb, often, cmds[0]), unlinked(cmds))
			}
			err := s.execWrites(ctx, s.rdb, often, cmders(cmds))
			return struct{}{}, cmp.Or(cmds[0].Err(), cmds[len(cmds)-1].Err(), err, unlinked(cmds))
		})
		return err
	})
}

// unlinked returns the error of commands that remove keys. A hook may keep one to itself, but
// then there is no answer. Only what has been sent without an error may be asked.
func unlinked(cmds []*command) error {
	for _, cmd := range cmds {
		if _, err := cmd.int(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deleteMany(ctx context.Context, deadline time.Time, keys []string) (failed map[int]error) {
	first := 0
	for part := range slices.Chunk(keys, keysPerTrip) {
		errs, err := until(ctx, s, deadline, func(ctx context.Context) ([]error, error) {
			errs, err := s.unlink(ctx, part)
			s.sawLosses(errs)
			return errs, err
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
		_, err := s.unlinkOn(ctx, s.rdb, keys, pending, errs)
		return errs, err
	}
	for {
		byMaster, err := s.byMaster(ctx, keys, pending)
		if err != nil {
			return nil, err
		}
		var masters sync.WaitGroup
		for master, part := range byMaster {
			masters.Go(func() { s.unlinkAt(ctx, master, keys, part, errs) })
		}
		masters.Wait()
		pending = slices.DeleteFunc(pending, func(i int) bool { return !isMoved(errs[i]) })
		if len(pending) == 0 || !s.reload(ctx) {
			return errs, nil
		}
	}
}

// unlinkAt is unlinkOn at one server, and waits for its replicas.
func (s *Store) unlinkAt(ctx context.Context, master *redis.Client, keys []string, indexes []int, errs []error) {
	err := s.onConn(ctx, master, s.replicas, often, func(ctx context.Context, to link) error {
		removed, err := s.unlinkOn(ctx, to, keys, indexes, errs)
		for _, i := range indexes {
			if err == nil && isReadOnly(errs[i]) {
				err = errs[i]
			}
		}
		if err == nil && removed == 0 {
			err = leaveTrace(ctx, to, keys[indexes[0]])
		}
		return err
	})
	for _, i := range indexes {
		errs[i] = cmp.Or(errs[i], err)
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

// unlinkOn removes the keys of the given indexes, and sets the error of each. removed
// is how many there were.
func (s *Store) unlinkOn(ctx context.Context, to link, keys []string, indexes []int, errs []error) (removed int64, err error) {
	var cmds []redis.Cmder
	var perKey int
	for _, i := range indexes {
		errs[i] = nil
		unlinks := s.unlinks(ctx, keys[i])
		cmds = append(cmds, cmders(unlinks)...)
		perKey = len(unlinks)
	}
	if err = refused(cmds, s.execWrites(ctx, to, often, cmds)); err != nil {
		return 0, err
	}
	for n, cmd := range cmds {
		i, cmd := indexes[n/perKey], cmd.(*command)
		count, err := cmd.int()
		errs[i] = cmp.Or(err, errs[i])
		removed += count
	}
	return removed, nil
}

// unlinks are the commands that remove a key and all that is noted of it.
//
// A command cannot name both value and control key while their slot is on its way
// from one master of a cluster to another, which may take long. So a cluster gets two
// commands a key, the control key's first: what it permits must not come after the
// value's end.
func (s *Store) unlinks(ctx context.Context, key string) []*command {
	if s.standalone {
		return []*command{newSmall(ctx, "unlink", key, rediskey.ControlKey(key))}
	}
	return []*command{newSmall(ctx, "unlink", rediskey.ControlKey(key)), newSmall(ctx, "unlink", key)}
}
