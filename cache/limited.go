package cache

import "context"

// reportLimit tells, once when it begins, that Redis refuses what leases need, and that the
// cache does without. key is that of a call which has met it.
func (c *core) reportLimit(ctx context.Context, op Op, key string) {
	limited := c.store.Limited()
	if limited == c.limited.Load() || !c.limited.CompareAndSwap(!limited, limited) || !limited {
		return
	}
	if cause := c.store.Limit(); cause != nil && c.reminders.due(outcomeOf(cause)) {
		c.observer.survived(ctx, c.error(op, key, ErrRedis, cause))
	}
}
