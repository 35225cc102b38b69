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
// several. Those keys may still hold their values, and other processes serve them. This process
// treats them as not cached from then on, in all caches of the Name and client: what Redis has is
// no answer, and nothing is stored. In the background it sends deletes of them, until Redis
// acknowledges one, or a later Delete or Set of the key; or until the longest TTL has passed,
// and an hour: see Stats.Undelivered and Observer.Delivery. Close gives them up. It remembers
// 50,000 keys of a client, and 8 MB of their names; where there are more, no key is cached for
// a while, see BypassBegan.
//
// Calls whose context has ended before do nothing. A Set that has failed before may be carried out
// after a Delete, see there.
func (c *Cache[K, V]) Delete(ctx context.Context, keys ...K) error {
	if len(keys) == 1 {
		r, err := c.begin(OpDelete, keys[0])
		if err != nil {
			return err
		}
		if err = c.core.delete(ctx, r.began, []string{r.redisKey})[0]; err == nil {
			c.end(r)
		}
		return err
	}
	began := time.Now()
	b := newBatch[K, V](OpDelete, 0)
	requests, err := c.beginMany(b, keys, nil)
	if err != nil {
		return err
	}
	for i, err := range c.core.delete(ctx, began, redisKeys(requests)) {
		if r := requests[i]; err != nil {
			b.errs[r.key] = err
		} else {
			c.end(r)
		}
	}
	_, err = c.result(b)
	return err
}

// delete deletes keys for a call that began at a time. It returns an error for each.
func (c *core) delete(ctx context.Context, began time.Time, keys []string) (errs []error) {
	deadline := c.deadlineOf(began, len(keys))
	var failed map[int]error
	s := c.sending(ctx)
	err := c.engine.Write(ctx, deadline, keys, func() error {
		failed = c.store.Delete(ctx, deadline, keys)
		return nil
	})
	errs = make([]error, len(keys))
	for i, key := range keys {
		if cause := cmp.Or(err, failed[i]); cause != nil {
			errs[i] = c.writeFailed(ctx, deletion(key), cause, s)
			continue
		}
		c.acknowledged(deletion(key), s)
		c.engine.LearnDeleted(key)
		c.reportWrite(ctx, deletion(key))
	}
	return errs
}

// deletion is what is told of a Delete.
func deletion(key string) WriteEvent { return WriteEvent{Op: OpDelete, Key: key} }
