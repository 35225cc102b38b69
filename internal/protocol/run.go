package protocol

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/relay"
	"github.com/asidecache/aside/internal/store"
)

// A grant is what a load has that may begin: where it may store.
type grant struct {
	lease     *heldLease      // nil: none
	committer store.Committer // nil: nowhere
	unproven  bool            // Redis does not say whether the result is older than a write
	why       Outcome         // without a committer: why nothing can be stored
}

// run is what a flight does for the jobs that lead it: it asks for all their leases, loads
// and commits what it may, and waits for what others load. It waits for no lease while it
// holds one whose load has not begun.
func (e *Engine) run(ctx context.Context, r *Run, all jobs) error {
	held := false // one more load may run
	defer func() {
		for _, j := range all { // of which Redis was not asked
			e.reportLookup(ctx, j, Unknown, true)
		}
		e.releaseAll(all)
		if held {
			e.limit.release()
		}
	}()
	var w waiting
	defer w.unwatch(e.Waker)
	if e.Waker.Heard != nil && e.Lease != Off {
		w.watch(e.Waker, all)
	}
	for open := e.endRemembered(ctx, r, all); len(open) > 0 && ctx.Err() == nil; {
		granted, busy, retry := e.acquire(ctx, r, open, &w)
		granted = e.upgrade(ctx, r, granted)
		if ctx.Err() != nil { // nobody waits any more
			break
		}
		if len(granted) > 0 && !held && !e.limit.tryAcquire() {
			// Another process may load at once: the leases are not kept for the time of a queue.
			e.releaseNow(granted)
			if err := e.limit.acquire(ctx, open.flights()); err != nil {
				return err
			}
			held = true
			open = open.unfinished()
			continue
		}
		if held && len(granted) == 0 {
			e.limit.release()
		}
		held = false // the load releases it
		open = append(retry, e.loadAndWait(ctx, r, granted, busy, &w)...)
	}
	return ctx.Err()
}

// loadAndWait loads what is granted, and waits meanwhile for what others load. It returns the
// jobs for which leases are to be asked for again: those of which another's load has ended,
// or is still waited for when the own one has, and those whose results were refused.
func (e *Engine) loadAndWait(ctx context.Context, r *Run, granted, busy jobs, w *waiting) (open jobs) {
	switch {
	case len(granted) == 0:
		return e.wait(ctx, r, busy, w, nil)
	case len(busy) == 0:
		return e.loadAndCommit(ctx, r, granted)
	}
	return e.loadWhileWaiting(ctx, r, granted, busy, w)
}

func (e *Engine) loadWhileWaiting(ctx context.Context, r *Run, granted, busy jobs, w *waiting) (open jobs) {
	loaded := make(chan struct{})
	var waits sync.WaitGroup
	waits.Go(func() {
		relay.Catch(func() { open = e.wait(ctx, r, busy, w, loaded) }, func(crash *relay.Crash) {
			if crash != nil { // of a hook of the client: ask again, from the flight's goroutine
				open = busy.unfinished()
			}
		})
	})
	defer waits.Wait()
	refused := func() jobs {
		defer close(loaded)
		return e.loadAndCommit(ctx, r, granted)
	}()
	waits.Wait()
	return append(open, refused...)
}

// loadAndCommit ends the flights of the jobs by one load. It returns those that have to load
// again.
func (e *Engine) loadAndCommit(ctx context.Context, r *Run, granted jobs) (again jobs) {
	expired := e.load(ctx, r, granted)
	loaded, failed := granted.partition(func(j *Job) bool {
		j.loaded = r.Loader.Encode(ctx, j, j.flight.Callers())
		if err := j.loaded.Err; err != nil {
			if expired != nil && errors.Is(err, context.DeadlineExceeded) {
				j.loaded.Err = expired(j) // which may come before the callers hear of the time by itself
			}
			if j.loaded.Skip != Stored {
				e.Reporter.Commit(ctx, r.Op, j.Key, j.loaded, j.loaded.Skip, err)
			}
			return false
		}
		j.result = Result{State: j.loaded.State, degraded: j.Degraded}
		if j.result.State == Present {
			j.result.Entry = &j.Entry
		}
		return true
	})
	e.rememberEnds(r, loaded, failed)
	if len(failed) > 0 {
		began := time.Now()
		e.finishAll(failed)
		loaded.spent(began)
	}
	if len(loaded) == 0 {
		return nil
	}
	return e.commit(ctx, r, loaded)
}

// finishAll releases the leases that jobs still hold, in one round trip, and ends their
// flights: by their results, or the errors of their loads.
func (e *Engine) finishAll(over jobs) {
	if len(over) == 0 {
		return
	}
	e.releaseAll(over)
	for _, j := range over {
		if j.loaded.Err != nil {
			j.finish(nil, j.loaded.Err)
		} else {
			j.finish(&j.result, nil)
		}
	}
}
