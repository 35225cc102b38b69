package cache

import (
	"cmp"
	"context"
	"time"
)

// Delete removes the values of keys, and what else Redis knows of them: after a change of
// the source, the next call loads anew. Once it has returned, no load that began
// before is stored, in whatever process, and no call that begins later gets the
// result of one.
//
// It is one round trip for a thousand keys, split by node on a cluster. An error
// names what Redis did not confirm: an *Error for one key, a *BatchError for
// several. Those keys may still hold their values: repeat the call.
// A Set that has failed before may be carried out after a Delete, see there.
func (c *Cache[K, V]) Delete(ctx context.Context, keys ...K) error {
	if len(keys) == 1 {
		return c.deleteOne(ctx, keys[0])
	}
	began := time.Now()
	b := newBatch[K, V](OpDelete, 0)
	requests, err := c.beginMany(b, keys)
	if err != nil {
		return err
	}
	deadline := began.Add(c.core.redisTimeout)
	redisKeys := redisKeys(requests)
	var failed map[int]error
	err = c.core.engine.Write(ctx, deadline, redisKeys, func() error {
		failed = c.core.store.Delete(ctx, deadline, redisKeys)
		return nil
	})
	for i, r := range requests {
		if cause := cmp.Or(err, failed[i]); cause != nil {
			b.errs[r.key] = c.core.writeFailed(ctx, r.deletion(), cause)
			continue
		}
		c.core.engine.LearnDeleted(r.redisKey)
		c.core.reportWrite(ctx, r.deletion())
		c.end(r)
	}
	_, err = c.result(b)
	return err
}

func (c *Cache[K, V]) deleteOne(ctx context.Context, key K) error {
	r, err := c.begin(OpDelete, key)
	if err != nil {
		return err
	}
	w := write{event: r.deletion()}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) {
		err := c.core.store.Delete(ctx, deadline, []string{r.redisKey})[0]
		if err == nil {
			c.core.engine.LearnDeleted(r.redisKey)
		}
		return true, err
	}
	if _, err := c.core.write(ctx, c.deadline(r), w); err != nil {
		return err
	}
	c.end(r)
	return nil
}

// deletion is what is told of a Delete.
func (r *request[K, V]) deletion() WriteEvent { return WriteEvent{Op: OpDelete, Key: r.redisKey} }
