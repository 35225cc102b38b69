package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/loader"
)

// load runs the request's loader and gives up its place among those that may run at
// once. The tenure ends with the time that the loader has, if not before; nil for
// none.
func (c *Cache[K, V]) load(ctx context.Context, f *flight.Flight[*found], r *request[K, V], t *tenure) (e loader.Entry[V], err error) {
	event := LoadEvent{Outcome: LoadPanicked}
	if c.core.observer.Load != nil {
		event.Keys = []string{r.redisKey}
	}
	began := time.Now()
	defer func() {
		if event.Outcome == LoadPanicked {
			event.Err = c.core.error(r.op, r.redisKey, ErrPanic, fmt.Errorf("at\n%s", debug.Stack()))
		}
		event.Duration, event.Callers = time.Since(began), f.Callers()
		c.core.sawLoad(ctx, event)
	}()
	defer c.core.leave() // before the observer is told, who may load as well
	bounded, cancel, run := c.core.bound(ctx)
	defer cancel()
	defer context.AfterFunc(bounded, func() {
		if bounded.Err() == context.DeadlineExceeded { // a loader that ignores it must not hold up those who wait
			f.Fail(c.core.loadTimedOut(&r.task, run))
		}
		t.release(time.Now().Add(c.core.redisTimeout))
	})()
	f.Begin()
	e, err = r.load(bounded, r.key)
	event.Err = err
	switch {
	case err == nil:
		event.Outcome = LoadOK
	case errors.Is(err, ErrNotFound):
		event.Outcome = LoadNotFound
	case bounded.Err() == context.Canceled: // nobody waits, so that this is nobody's failure
		event.Outcome = LoadCancelled
	default:
		event.Outcome = LoadFailed
	}
	return e, err
}

func (c *core) sawLoad(ctx context.Context, e LoadEvent) {
	c.stats.loads.Add(1)
	switch e.Outcome {
	case LoadFailed, LoadPanicked:
		c.stats.loadErrors.Add(1)
	case LoadCancelled:
		c.stats.loadsCancelled.Add(1)
	}
	c.observer.load(ctx, e)
}
