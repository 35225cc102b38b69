package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/asidecache/aside/internal/keyspace"
)

// Close ends what the cache has started and returns when that has ended: calls
// that wait for a load fail with ErrClosed, as do all later ones, and the contexts
// of loaders are cancelled. A loader that ignores its context keeps Close waiting, and not
// Shutdown; a loader or observer that calls Close of its own cache waits for itself. The
// Redis client stays open. What Redis has not acknowledged is not waited for, see Shutdown.
// Only the first Close does anything; it returns nil. Then another
// type of values may have the Name, see New.
func (c *Cache[K, V]) Close() error {
	if c.core.beginClose() {
		c.core.endClose(nil)
	}
	return nil
}

// Shutdown is Close that waits no longer than ctx, as for loaders that ignore their contexts, and
// that waits for the deletes which follow writes that Redis did not acknowledge, see Delete: they
// are sent at once, and again until ctx ends, or for RedisTimeout if it never does. Let calls that
// write return before Shutdown is called: it does not wait for these, nor for what follows them.
//
// The error says how many loaders have not returned, and how many keys have no such delete: what
// Redis holds of these may be old until its TTL ends, as nobody sends the deletes any more once the
// last cache on the client is closed. All else is closed by then, and the cache goes on to end by
// itself when its loaders return. A Shutdown after Close, or after another Shutdown, waits for the
// same end.
func (c *Cache[K, V]) Shutdown(ctx context.Context) error { return c.core.shutdown(ctx) }

func (c *core) shutdown(ctx context.Context) error {
	if c.beginClose() {
		go c.endClose(func() { c.deliver(ctx) })
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
	}
	return c.unfinished(ctx)
}

// unfinished is the error that says what Shutdown has left behind.
func (c *core) unfinished(ctx context.Context) error {
	kind, cause := keyspace.Ended(ctx)
	left := false
	select {
	case <-c.ended:
	default:
		left = true
		if n := c.engine.Abandoned(); n > 0 {
			cause = fmt.Errorf("%d loaders have not returned, though their contexts have ended: %w", n, cause)
		}
	}
	if n := c.store.Awaiting(); n > 0 {
		left = true
		text := fmt.Sprintf("redis has not acknowledged the deletes of %d keys, which follow writes that failed", n)
		if kind == nil {
			kind, cause = ErrRedis, errors.New(text)
		} else {
			cause = fmt.Errorf("%s: %w", text, cause)
		}
	}
	if !left {
		return nil
	}
	return c.error(OpShutdown, "", kind, cause)
}

// beginClose has all calls that begin now fail, and reports whether it is the first to do so: that
// one calls endClose.
func (c *core) beginClose() bool { return !c.closed.Swap(true) }

// endClose ends what the cache has started, and returns when that has ended. It waits for deletes
// by deliver, nil for not at all.
func (c *core) endClose(deliver func()) {
	defer close(c.ended)
	c.near.close()
	c.engine.End()
	if deliver != nil {
		deliver()
	}
	c.engine.Close()
	c.member.Leave()
	if c.registry != nil {
		c.registry.remove(c)
	}
}

// deliver waits for the deletes that follow writes of the cache, until ctx has ended.
func (c *core) deliver(ctx context.Context) {
	if ctx.Done() == nil { // Redis may be down for long
		bounded, cancel := context.WithTimeout(ctx, c.redisTimeout)
		defer cancel()
		ctx = bounded
	}
	c.store.AwaitDelivery(ctx)
}
