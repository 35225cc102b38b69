package cookbook

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
)

// Of names what a cache has of rows that have changed.
func Of[K comparable, V any](c *cache.Cache[K, V], key K) func(*collection.Pipeline) {
	return func(p *collection.Pipeline) { c.In(p).Delete(key) }
}

// InvalidateAll deletes what several caches have of the rows that one transaction has changed, in
// one round trip, and is retried as Invalidate is.
func InvalidateAll(ctx context.Context, stale ...func(*collection.Pipeline)) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		var p collection.Pipeline
		for _, add := range stale {
			add(&p)
		}
		if err = p.Exec(ctx); err == nil || errors.Is(err, cache.ErrClosed) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
