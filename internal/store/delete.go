package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/internal/client"
)

// Delete removes the keys, their control keys and the values of the neighbouring versions, a
// thousand keys a round trip. failed tells, by index, which keys Redis did not confirm; nil for
// none.
func (s *Store) Delete(
	ctx context.Context, deadline time.Time, keys []string,
) (failed map[int]error) {
	return s.remove(ctx, deadline, s.deleteSteps(keys))
}

// remove is Delete by its steps.
//
// What a refused control key has kept in Redis is removed without that, and has an error all the
// same: nobody knows what the control key says.
func (s *Store) remove(
	ctx context.Context, deadline time.Time, steps []client.Step,
) (failed map[int]error) {
	failed = s.send(ctx, deadline, steps)
	again := make([]client.Step, 0, len(failed))
	var places []int
	for i, err := range failed {
		if s.refusesControl(ctx, deadline, steps[i].Key(), err) {
			again, places = append(again, steps[i]), append(places, i)
		}
	}
	if len(again) == 0 {
		return failed
	}
	for n, err := range s.send(ctx, deadline, again) {
		failed[places[n]] = err
	}
	return failed
}

// send sends the steps of deletes.
func (s *Store) send(
	ctx context.Context, deadline time.Time, steps []client.Step,
) (failed map[int]error) {
	if len(steps) == 1 && s.Replicas() == 0 {
		if err := s.Send(ctx, deadline, steps[0]); err != nil {
			return map[int]error{0: err}
		}
		return nil
	}
	first := 0
	for part := range slices.Chunk(steps, client.CallsPerTrip) {
		errs, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) ([]error, error) {
			errs, err := s.SendSteps(ctx, part, false, s.Replicas())
			s.RecordLosses(errs)
			return errs, err
		})
		for i := range part {
			if e := cmp.Or(err, at(errs, i)); e != nil {
				if failed == nil {
					failed = make(map[int]error)
				}
				failed[first+i] = e
			}
		}
		first += len(part)
		deadline = s.NextTrip(deadline, err)
	}
	return failed
}

// at returns an element of a slice that may be nil.
func at(errs []error, i int) error {
	if errs == nil {
		return nil
	}
	return errs[i]
}

func (s *Store) deleteSteps(keys []string) []client.Step {
	writes, steps := make([]Write, len(keys)), make([]client.Step, len(keys))
	for i, key := range keys {
		writes[i] = Write{store: s, key: key, durable: true}
		steps[i] = &writes[i]
	}
	return steps
}

// unlinks are the commands of a delete.
//
// A command cannot name both value and control key while their slot is on its way
// from one master of a cluster to another, which may take long. So a cluster gets a
// command for each, the control key's first: what it permits must not come after the
// value's end. The versions follow in their order: what is made of a value that is still
// there, see Lease.Upgrades, has its own end before it.
func (w *Write) unlinks(ctx context.Context) []*client.Command {
	w.changed = false // by an attempt before, of which WAIT would not know
	args := w.appendKeys(append(make([]any, 0, 1+maxWriteKeys), "unlink"))
	if w.partial = w.store.control.Holds(); w.partial {
		args = slices.Delete(args, 2, 3)
	}
	if w.store.Standalone() {
		return []*client.Command{client.NewSmall(ctx, args...)}
	}
	keys := args[1:]
	values := keys
	if !w.partial {
		keys[0], keys[1] = keys[1], keys[0]
		values = keys[1:]
	}
	if n := len(values) - 1; n > 1 { // those of versions before
		copy(values, append(values[1:n:n], values[0]))
	}
	cmds := make([]*client.Command, len(keys))
	for i, key := range keys {
		cmds[i] = client.NewSmall(ctx, "unlink", key)
	}
	return cmds
}
