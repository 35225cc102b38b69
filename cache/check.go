package cache

import (
	"context"
	"errors"
	"time"
)

// Check asks Redis whether it does all that the cache needs, and returns all that it does not,
// one sentence a line: that it does not answer, that it may only be read or has no memory left,
// that an ACL refuses commands or keys, with the rules that it lacks, that a cluster is down. It is
// for a program that starts, and for its readiness: see docs/operations.md. It stores entries
// under random keys of the cache, which it removes, one on each master of a cluster, in
// RedisTimeout; no value is in the error.
//
// That scripts or control keys are refused is an error, unless Lease is Off, though the cache
// works without leases then: see docs/guarantees.md. It is one as well
// that Redis cannot tell a near cache of writes, which serves nothing then.
//
// Check also finds that processes of one Name differ in their ControlPrefix, if they Check as
// well, within an hour of each other, and may use the key that the Name and "@prefix" make. When
// the ControlPrefix was changed and all processes were started anew, the first Check of all says
// so once. It does not judge maxmemory-policy: with any of them the cache works, and with
// noeviction it stores nothing while the memory is full.
func (c *Cache[K, V]) Check(ctx context.Context) error { return c.core.check(ctx) }

func (c *core) check(ctx context.Context) error {
	if c.closed.Load() {
		return c.error(OpCheck, "", ErrClosed, nil)
	}
	deadline := time.Now().Add(c.redisTimeout)
	problems := c.store.Check(ctx, deadline, c.engine.Lease != Off)
	if err := c.near.probe(ctx, deadline); err != nil {
		problems = append(problems, err)
	}
	if len(problems) == 0 {
		return nil
	}
	if err := c.contextError(ctx, OpCheck, ""); err != nil {
		return err
	}
	return c.error(OpCheck, "", ErrRedis, errors.Join(problems...))
}
