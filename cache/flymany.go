package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// flyMany is fly for many keys: it asks for all their leases, loads and stores what it may,
// and waits for what others load. Nobody's lease is waited for with one in hand whose load
// has not begun.
func (c *Cache[K, V]) flyMany(ctx context.Context, all crew[K, V], load loader.BatchFunc[K, V]) error {
	placed := false // under MaxLoads
	defer func() {
		c.core.releaseAll(all.tenures(), all.until())
		if placed {
			c.core.leave()
		}
	}()
	var w wait
	for open := all; len(open) > 0; {
		if err := ctx.Err(); err != nil { // nobody waits any more
			return err
		}
		mine, others, again := c.claimMany(ctx, open, &w)
		if len(mine) > 0 && !placed && !c.core.tryEnter() {
			// Another process may have room: the leases are not kept for the time of a queue.
			mine.spend(func() { c.core.releaseAll(mine.tenures(), mine.until()) })
			if err := c.core.enter(ctx, open.flights()...); err != nil {
				return err
			}
			placed = true
			open = open.underWay()
			continue
		}
		if placed && len(mine) == 0 {
			c.core.leave()
		}
		placed = false
		others = c.loadAndWait(ctx, mine, others, load, &w)
		open = append(again, others...)
	}
	return nil
}

// loadAndWait loads what is mine, and waits meanwhile for what others load. It returns
// those of the others whose load has ended, or is still waited for when mine has.
func (c *Cache[K, V]) loadAndWait(ctx context.Context, mine, others crew[K, V], load loader.BatchFunc[K, V], w *wait) (open crew[K, V]) {
	if len(mine) == 0 {
		return c.awaitMany(ctx, others, w, nil)
	}
	if len(others) == 0 {
		c.loadMany(ctx, mine, load)
		return nil
	}
	loaded := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		returned := false
		defer func() {
			if !returned { // a hook of the client has ended it: ask again, where that has a caller to go to
				_ = recover()
				open = others.underWay()
			}
		}()
		open = c.awaitMany(ctx, others, w, loaded)
		returned = true
	})
	defer waiting.Wait()
	defer close(loaded)
	c.loadMany(ctx, mine, load)
	return open
}

// loadMany is loadAndStore for many keys: it ends their flights by one load.
func (c *Cache[K, V]) loadMany(ctx context.Context, mine crew[K, V], load loader.BatchFunc[K, V]) {
	values, err := c.loadBatch(ctx, mine, load)
	var stored crew[K, V]
	var failed []landing[K, V]
	for _, m := range mine {
		if err := c.take(ctx, m, values, err); err != nil {
			failed = append(failed, landing[K, V]{m, nil, err})
			continue
		}
		stored = append(stored, m)
	}
	stored.spend(func() { c.landAll(failed) })
	if len(stored) > 0 {
		c.settleMany(ctx, stored)
	}
}

// take notes what a load has found for m, and what there is to store of it.
func (c *Cache[K, V]) take(ctx context.Context, m *member[K, V], values map[K]V, failure error) (err error) {
	failure = keyError(failure, m.key)
	v, ok := values[m.key]
	switch {
	case failure != nil && !isAbsence[K](failure):
		return failure
	case failure != nil || !ok:
		m.err = failure
		if failure == nil {
			m.err = ErrNotFound
		}
		m.seen = found{state: Absent, degraded: m.noRedis}
		m.w = c.absence(m.request, m.p)
		return nil
	}
	m.seen = found{state: Present, entry: &m.entry, degraded: m.noRedis}
	m.w, err = c.presence(ctx, m.f, m.request, m.p, &m.entry, loader.Entry[V]{Value: v})
	return err
}

// loadBatch runs the loader for all that is mine and gives up its place among those that
// may run at once, see load.
func (c *Cache[K, V]) loadBatch(ctx context.Context, mine crew[K, V], load loader.BatchFunc[K, V]) (values map[K]V, err error) {
	event := LoadEvent{Outcome: LoadPanicked}
	keys := make([]K, len(mine))
	for i, m := range mine {
		keys[i] = m.key
		event.Keys = append(event.Keys, m.redisKey)
	}
	began := time.Now()
	defer func() {
		if event.Outcome == LoadPanicked {
			event.Err = c.core.error(mine[0].op, mine[0].redisKey, ErrPanic, fmt.Errorf("at\n%s", debug.Stack()))
		}
		event.Duration, event.Callers = time.Since(began), 1
		for _, m := range mine {
			event.Callers += m.f.Callers() - 1
		}
		c.core.sawLoad(ctx, event)
	}()
	defer c.core.leave() // before the observer is told, who may load as well
	bounded, cancel, run := c.core.bound(ctx)
	defer cancel()
	defer context.AfterFunc(bounded, func() {
		if bounded.Err() == context.DeadlineExceeded {
			for _, m := range mine {
				m.f.Fail(c.core.loadTimedOut(&m.task, run))
			}
		}
		c.core.releaseAll(mine.tenures(), time.Now().Add(c.core.redisTimeout))
	})()
	for _, m := range mine {
		m.f.Begin()
	}
	values, err = load(bounded, keys)
	event.Err = err
	switch {
	case err == nil && len(values) > 0:
		event.Outcome = LoadOK
	case err == nil || isAbsence[K](err):
		event.Outcome = LoadNotFound
	case bounded.Err() == context.Canceled:
		event.Outcome = LoadCancelled
	default:
		event.Outcome = LoadFailed
	}
	return values, err
}

// settleMany is settle for many keys, in one round trip. It ends their flights.
func (c *Cache[K, V]) settleMany(ctx context.Context, mine crew[K, V]) {
	var sent crew[K, V]
	var fills []store.Commit
	var fenced []*tenure
	for _, m := range mine {
		switch {
		case !c.core.mayStore(ctx, m.f, m.w):
			fenced = append(fenced, m.p.tenure)
			m.land(&m.seen, nil)
		case m.w.Committer == nil:
			c.core.sawFilling(ctx, m.w.event, m.p.why, nil)
			m.landProven(!m.p.unproven)
		case m.p.tenure == nil:
			sent, fills = append(sent, m), append(fills, m.w.Commit)
		default:
			m.f.Settled() // Redis itself refuses the store after a write
			if !m.p.tenure.end() {
				c.core.sawFilling(ctx, m.w.event, WriteFenced, nil)
				m.landProven(false)
				continue
			}
			sent, fills = append(sent, m), append(fills, m.w.Commit)
		}
	}
	c.core.releaseSoon(fenced)
	if len(sent) == 0 {
		return
	}
	answered := make([]bool, len(sent))
	defer func() { c.core.sent(sent.tenures(), answered) }()
	ctx = context.WithoutCancel(ctx)
	c.core.store.CommitAll(ctx, sent.until(), fills)
	for i, m := range sent {
		answered[i] = fills[i].Err == nil
		m.f.Settled() // before the observer is told, who may write
	}
	for i, m := range sent {
		_, refused := c.core.settled(ctx, &m.task, m.p, m.w, fills[i].Stored, fills[i].Err)
		m.landProven(!refused)
	}
}

// landProven ends the flight of m with what its load has found. Unless that is proven to be
// no older than a write, it is for those alone who came before the load.
func (m *member[K, V]) landProven(proven bool) {
	if !proven {
		m.f.Refuse()
	}
	m.land(&m.seen, nil)
}
