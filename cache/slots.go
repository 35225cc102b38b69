package cache

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/asidecache/aside/internal/flight"
)

// enter waits until one more load may run, for the flights. Callers of theirs that leave
// meanwhile hear of it.
func (c *core) enter(ctx context.Context, flights ...*flight.Flight[*found]) error {
	if c.tryEnter() {
		return nil
	}
	why := fmt.Errorf("its load waited for a running one to end, as MaxLoads is %d: those are slow, or their loaders call this cache and wait for themselves", cap(c.slots))
	for _, f := range flights {
		f.Waits(why)
	}
	defer func() {
		for _, f := range flights {
			f.Waits(nil)
		}
	}()
	around, _ := ctx.Value(runKey{c}).(*run)
	around.queue(1)
	c.queued.Add(1)
	defer c.queued.Add(-1)
	select {
	case c.slots <- struct{}{}:
		around.queue(-1)
		return nil
	case <-ctx.Done():
		around.unqueue()
		return ctx.Err()
	}
}

// tryEnter is enter without a wait.
func (c *core) tryEnter() bool {
	if c.slots == nil {
		return true
	}
	select {
	case c.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (c *core) leave() {
	if c.slots != nil {
		<-c.slots
	}
}

// A run is one run of a loader under MaxLoads. The context of the loader leads to it, so that
// a load that waits for its end is found out. A nil run is none.
type run struct {
	around *run            // the loader has been called by the loader of this one
	bound  context.Context // ends with LoadTimeout
	queued atomic.Int64    // loads that the loader has asked for and that wait in enter
}

// runKey finds, in a context, the run inside whose loader it is used.
type runKey struct{ core *core }

// bound returns the context of a loader, and without MaxLoads no run.
func (c *core) bound(ctx context.Context) (context.Context, context.CancelFunc, *run) {
	bound, cancel := context.WithTimeout(ctx, c.loadTimeout)
	if c.slots == nil {
		return bound, cancel, nil
	}
	around, _ := ctx.Value(runKey{c}).(*run)
	r := &run{around: around, bound: bound}
	return context.WithValue(bound, runKey{c}, r), cancel, r
}

func (r *run) queue(n int64) {
	for ; r != nil; r = r.around {
		r.queued.Add(n)
	}
}

// unqueue is queue(-1) for a load that was given up, but for the runs whose end has ended
// the wait: they are to tell of it.
func (r *run) unqueue() {
	for ; r != nil; r = r.around {
		if r.bound.Err() == nil {
			r.queued.Add(-1)
		}
	}
}

// loadTimedOut is the error of a load that has run for LoadTimeout; r is its run.
func (c *core) loadTimedOut(t *task, r *run) error {
	why := ""
	switch queued := c.queued.Load(); {
	case r != nil && r.queued.Load() > 0:
		why = fmt.Sprintf(": its loader called this cache, and that load waited for a running one to end, as MaxLoads is %d", cap(c.slots))
	case queued > 0:
		why = fmt.Sprintf(", while loads (%d) waited for a running one to end, as MaxLoads is %d: a loader that calls this cache waits for itself", queued, cap(c.slots))
	}
	return c.error(t.op, t.redisKey, context.DeadlineExceeded, fmt.Errorf("the load took longer than LoadTimeout, %v%s", c.loadTimeout, why))
}
