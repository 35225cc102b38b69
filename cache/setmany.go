package cache

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// SetMany stores the values, each as Set does; TTL and Jitter are of each. It is one round
// trip for a thousand small values, split by node on a cluster; values above 2 KB, and all
// with WaitReplicas, are sent by themselves, several at a time.
//
// The keys do not change together: a reader may see some of them before the others. A
// *BatchError names those that Redis did not confirm, of which each may be stored or not,
// and those whose values cannot be encoded. All others are stored.
func (c *Cache[K, V]) SetMany(ctx context.Context, values map[K]V, opts ...Option) error {
	b := newBatch[K, V](OpSetMany, 0)
	b.keys = len(values)
	s, err := settingsOf(opts)
	if err != nil {
		return c.core.error(b.op, "", nil, err)
	}
	if c.core.closed.Load() {
		return c.core.error(b.op, "", ErrClosed, nil)
	}
	began := time.Now()
	var puts []*call[K, V]
	var writes []filling
	for key, v := range values {
		m, err := c.begin(b.op, key)
		var w filling
		if err == nil {
			m.value = v
			w, err = c.putting(ctx, m, s)
		}
		if err != nil {
			b.errs[key] = err
			continue
		}
		puts, writes = append(puts, m), append(writes, w)
	}
	c.putMany(ctx, b, began, puts, writes)
	_, err = c.result(b)
	return err
}

// putting is what Set sends for m.
func (c *Cache[K, V]) putting(ctx context.Context, m *call[K, V], s settings) (w filling, err error) {
	if w.event, err = c.encodeCall(ctx, m, s); err != nil {
		return w, err
	}
	w.Committer = c.core.store.Leaseless(m.redisKey)
	if w.event.Outcome == WriteOK {
		w.State, w.Entry, w.TTL = store.Present, &m.entry, w.event.TTL
	}
	return w, nil
}

// putMany sends the writes of calls, so that no load that began before it returns is stored
// afterwards.
func (c *Cache[K, V]) putMany(ctx context.Context, b *batch[K, V], began time.Time, calls []*call[K, V], writes []filling) {
	if len(calls) == 0 {
		return
	}
	deadline := began.Add(c.core.redisTimeout)
	fills := make([]store.Commit, len(writes))
	for i, w := range writes {
		fills[i] = w.Commit
	}
	err := c.core.fenced(ctx, deadline, redisKeys(calls), func() error {
		c.core.store.CommitAll(ctx, deadline, fills)
		return nil
	})
	for i, m := range calls {
		cause := err
		if cause == nil {
			cause = fills[i].Err
		}
		if cause != nil {
			b.errs[m.key] = c.core.writeFailed(ctx, writes[i].event, cause)
			continue
		}
		c.core.sawWrite(ctx, writes[i].event)
		c.end(m)
	}
}
