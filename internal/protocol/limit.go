package protocol

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/asidecache/aside/internal/flight"
)

// A loadLimit bounds how many loads run at once, by MaxLoads.
type loadLimit struct {
	running chan struct{} // holds a token for each load that runs; nil: no limit
	queued  atomic.Int64  // loads that wait for a running one to end
}

func (l *loadLimit) init(maxLoads int) {
	if maxLoads > 0 {
		l.running = make(chan struct{}, maxLoads)
	}
}

// acquire waits until one more load may run, for the flights. Callers of theirs that leave
// meanwhile hear of it.
func (l *loadLimit) acquire(ctx context.Context, flights []*flight.Flight[*Result]) error {
	if l.tryAcquire() {
		return nil
	}
	why := fmt.Errorf("its load waited for a running one to end, as MaxLoads is %d: those are slow, or their loaders call this cache and wait for themselves", cap(l.running))
	for _, f := range flights {
		f.Waits(why)
	}
	defer func() {
		for _, f := range flights {
			f.Waits(nil)
		}
	}()
	around := l.loaderOf(ctx)
	around.queue(1)
	l.queued.Add(1)
	defer l.queued.Add(-1)
	select {
	case l.running <- struct{}{}:
		around.queue(-1)
		return nil
	case <-ctx.Done():
		around.unqueue()
		return ctx.Err()
	}
}

// tryAcquire is acquire without a wait.
func (l *loadLimit) tryAcquire() bool {
	if l.running == nil {
		return true
	}
	select {
	case l.running <- struct{}{}:
		return true
	default:
		return false
	}
}

// isFull reports whether tryAcquire would find no place now.
func (l *loadLimit) isFull() bool {
	return l.running != nil && len(l.running) == cap(l.running)
}

func (l *loadLimit) release() {
	if l.running != nil {
		<-l.running
	}
}

// A loaderCall is one run of a loader under MaxLoads. The context of the loader leads to it, so
// that a load that waits for its end is found out. A nil loaderCall is none.
type loaderCall struct {
	around *loaderCall     // the loader has been called by the loader of this one
	bound  context.Context // ends with LoadTimeout
	queued atomic.Int64    // loads that the loader has asked for and that wait in acquire
}

// loaderKey finds, in a context, the loaderCall inside which it is used.
type loaderKey struct{ limit *loadLimit }

func (l *loadLimit) loaderOf(ctx context.Context) *loaderCall {
	call, _ := ctx.Value(loaderKey{l}).(*loaderCall)
	return call
}

// outside returns a context for a load that the loader in whose context it began does not wait
// for.
func (l *loadLimit) outside(ctx context.Context) context.Context {
	if l.loaderOf(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, loaderKey{l}, (*loaderCall)(nil))
}

// bound returns the context of a loader, of one that has LoadTimeout, and without MaxLoads no
// loaderCall.
func (l *loadLimit) bound(bound context.Context) (context.Context, *loaderCall) {
	if l.running == nil {
		return bound, nil
	}
	call := &loaderCall{around: l.loaderOf(bound), bound: bound}
	return context.WithValue(bound, loaderKey{l}, call), call
}

func (c *loaderCall) queue(n int64) {
	for ; c != nil; c = c.around {
		c.queued.Add(n)
	}
}

// unqueue is queue(-1) for a load that was given up, but for the calls whose end has ended the
// wait: they are to tell of it.
func (c *loaderCall) unqueue() {
	for ; c != nil; c = c.around {
		if c.bound.Err() == nil {
			c.queued.Add(-1)
		}
	}
}

// loadTimedOut is the error of a load that has run for LoadTimeout, by this loaderCall.
func (e *Engine) loadTimedOut(r *Run, j *Job, c *loaderCall) error {
	l, why := &e.limit, ""
	switch queued := l.queued.Load(); {
	case c != nil && c.queued.Load() > 0:
		why = fmt.Sprintf(": its loader called this cache, and that load waited for a running one to end, as MaxLoads is %d", cap(l.running))
	case queued > 0:
		why = fmt.Sprintf(", while loads (%d) waited for a running one to end, as MaxLoads is %d: a loader that calls this cache waits for itself", queued, cap(l.running))
	}
	return e.Reporter.LoadTimedOut(r.Op, j.Key, fmt.Errorf("the load took longer than LoadTimeout, %v%s", e.LoadTimeout, why))
}

// loadEnded is loadTimedOut of a load that has not returned yet.
func (e *Engine) loadEnded(r *Run, j *Job, c *loaderCall) error {
	err := e.loadTimedOut(r, j, c)
	e.remember(j, err)
	return err
}
