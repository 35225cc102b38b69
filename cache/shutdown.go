package cache

import (
	"context"
	"fmt"

	"github.com/asidecache/aside/internal/keyspace"
)

// Close ends what the cache has started and returns when that has ended: calls
// that wait for a load fail with ErrClosed, as do all later ones, and the contexts
// of loaders are cancelled. A loader that ignores its context keeps Close waiting, and not
// Shutdown; a loader or observer that calls Close of its own cache waits for itself. The
// Redis client stays open. Only the first Close does anything; it returns nil. Then another
// type of values may have the Name, see New.
func (c *Cache[K, V]) Close() error {
	if c.core.beginClose() {
		c.core.endClose()
	}
	return nil
}

// Shutdown is Close that waits no longer than ctx, as for loaders that ignore their contexts. When
// ctx ends first the error says how many loaders have not returned; the rest is closed by then, and
// the cache goes on to end by itself when they return. A Shutdown after Close, or after another
// Shutdown, waits for the same end.
func (c *Cache[K, V]) Shutdown(ctx context.Context) error { return c.core.shutdown(ctx) }

func (c *core) shutdown(ctx context.Context) error {
	if c.beginClose() {
		go c.endClose()
	}
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-c.ended:
		return nil
	default:
	}
	kind, cause := keyspace.Ended(ctx)
	if n := c.engine.Abandoned(); n > 0 {
		cause = fmt.Errorf("%d loaders have not returned, though their contexts have ended: %w", n, cause)
	}
	return c.error(OpShutdown, "", kind, cause)
}

// beginClose has all calls that begin now fail, and reports whether it is the first to do so: that
// one calls endClose.
func (c *core) beginClose() bool { return !c.closed.Swap(true) }

// endClose ends what the cache has started, and returns when that has ended.
func (c *core) endClose() {
	defer close(c.ended)
	c.near.close()
	c.engine.Close()
	c.member.Leave()
	if c.registry != nil {
		c.registry.remove(c)
	}
}
