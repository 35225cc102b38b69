package cache

import (
	"cmp"
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
	var puts []put[K, V]
	for key, v := range values {
		p, err := c.prepareIn(ctx, b, key, v, s)
		if err != nil {
			b.errs[key] = err
			continue
		}
		puts = append(puts, p)
	}
	c.putMany(ctx, b, began, puts)
	_, err = c.result(b)
	return err
}

// A put is one value of a SetMany.
type put[K comparable, V any] struct {
	request *request[K, V]
	commit  store.Commit
	event   WriteEvent
}

// prepareIn returns what Set sends for a key.
func (c *Cache[K, V]) prepareIn(ctx context.Context, b *batch[K, V], key K, v V, s settings) (p put[K, V], err error) {
	r, err := c.begin(b.op, key)
	if err != nil {
		return p, err
	}
	r.value = v
	p = put[K, V]{request: r, commit: store.Commit{Committer: c.core.store.Unconditional(r.redisKey)}}
	if p.event, err = c.encodeRequest(ctx, r, s); err == nil && p.event.Outcome == WriteOK {
		p.commit.State, p.commit.Entry, p.commit.TTL = store.Present, &r.entry, p.event.TTL
	}
	return p, err
}

// putMany sends values so that no load that began before it returns is stored afterwards.
func (c *Cache[K, V]) putMany(ctx context.Context, b *batch[K, V], began time.Time, puts []put[K, V]) {
	if len(puts) == 0 {
		return
	}
	deadline := c.core.deadlineOf(began, len(puts))
	commits, keys := make([]store.Commit, len(puts)), make([]string, len(puts))
	for i, p := range puts {
		commits[i], keys[i] = p.commit, p.request.redisKey
	}
	s := c.core.sending(ctx)
	err := c.core.engine.Write(ctx, deadline, keys, func() error {
		c.core.store.CommitAll(ctx, deadline, commits)
		return nil
	})
	for i, p := range puts {
		if cause := cmp.Or(err, commits[i].Err); cause != nil {
			b.errs[p.request.key] = c.core.writeFailed(ctx, p.event, cause, s)
			continue
		}
		c.core.acknowledged(p.event, s)
		c.core.reportWrite(ctx, p.event)
		c.end(p.request)
	}
}
