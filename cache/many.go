package cache

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// GetMany returns the values that Redis has of the keys; it never loads. A key that is
// missing, or that the source does not have, is not in the map. A key that is given twice
// is asked for once.
//
// It is one round trip for some hundred keys, split by node on a cluster; where values may
// be empty and are no strings, one more for the keys that have none. The error is a
// *BatchError that names the keys Redis did not answer for; the map then holds the others.
func (c *Cache[K, V]) GetMany(ctx context.Context, keys []K, opts ...Option) (map[K]V, error) {
	b := newBatch[K, V](OpGetMany, len(keys))
	s, err := settingsOf(opts)
	if err != nil {
		return nil, c.core.error(b.op, "", nil, err)
	}
	requests, err := c.beginMany(b, keys, c.nearMany(ctx, b, s, nil))
	if err != nil {
		return nil, err
	}
	requests = c.answered(ctx, b, requests, c.readMany(ctx, requests))
	if c.core.store.HoldsEmpties() {
		requests = c.probeMissing(ctx, b, requests)
	}
	for _, r := range requests {
		r.settle(s)
		c.core.found(ctx, &r.lookup)
		c.conclude(b, r)
	}
	return c.result(b)
}

// probeMissing asks more closely for what was not found.
func (c *Cache[K, V]) probeMissing(ctx context.Context, b *batch[K, V], requests []*request[K, V]) []*request[K, V] {
	var found, missing []*request[K, V]
	for _, r := range requests {
		if r.state == Missing && !r.broken {
			missing = append(missing, r)
		} else {
			found = append(found, r)
		}
	}
	return append(found, c.answered(ctx, b, missing, c.probeMany(ctx, missing))...)
}

// answered records the errors of requests that Redis has failed, and returns the others.
func (c *Cache[K, V]) answered(ctx context.Context, b *batch[K, V], requests []*request[K, V], errs []error) []*request[K, V] {
	rest := requests[:0]
	for i, r := range requests {
		if errs[i] != nil {
			b.errs[r.key] = c.core.unanswered(ctx, &r.lookup, errs[i])
			continue
		}
		rest = append(rest, r)
	}
	return rest
}

// conclude ends a request of b with what it has found itself.
func (c *Cache[K, V]) conclude(b *batch[K, V], r *request[K, V]) {
	key, state := r.key, r.state
	if v, _ := c.answer(r); state.hasValue() {
		b.values[key] = v
	}
}

// GetOrSetMany returns the values of the keys from Redis or, for those that it has none
// of, from load, and stores these. A key that is not in the map does not exist: load has
// left it out, or that was remembered. A key that is given twice is asked for once.
//
// load is called once, for all the keys that this call has to load itself; keys that
// others are loading, one by one or in batches, in this process or the fleet, are waited
// for. All that GetOrSet says of a key holds for each: of sharing, of contexts, of panics.
// What is loaded here is stored before others are waited for, so that batches which overlap
// never wait for each other in a circle. load is called again for keys that others were to
// load and did not, for those that Redis did not answer for if it did for others, and for
// keys that are written again and again meanwhile; some of these calls are for one key, and
// they may overlap.
//
// Errors are told by key, in a *BatchError; the map then holds the others. An error
// of load comes back for each of its keys as it was, or what a *BatchError of load says of
// the key. Hits cost what GetMany costs, misses two round trips more, however many they are.
// RedisTimeout bounds the wait for the answer of each round trip, of which many keys take several.
func (c *Cache[K, V]) GetOrSetMany(ctx context.Context, keys []K, load loader.BatchFunc[K, V], opts ...Option) (map[K]V, error) {
	b := newBatch[K, V](OpGetOrSetMany, len(keys))
	s, err := settingsOf(opts)
	if err == nil && load == nil {
		err = errNoLoader
	}
	if err != nil {
		return nil, c.core.error(b.op, "", nil, err)
	}
	requests, err := c.beginMany(b, keys, c.nearMany(ctx, b, s, load))
	if err != nil {
		return nil, err
	}
	l := &loads[K, V]{cache: c, source: source[K, V]{many: load, settings: s}}
	read, look := requests, c.core.engine.LooksFirst()
	var predicted []*request[K, V]
	var changes uint64
	if look {
		changes = c.core.engine.Changes()
	} else {
		predicted, read = c.predicted(requests, s)
	}
	errs := c.askFirst(ctx, read, look)
	n := len(predicted) + open(read, errs, s)
	l.begin(b.op, make([]loadItem[K, V], 0, n), make([]*protocol.Job, 0, n))
	for _, r := range predicted {
		c.loadInBatch(ctx, b, l, r, nil)
	}
	for i, r := range read {
		if isOpen(r, errs[i], s) {
			c.loadInBatch(ctx, b, l, r, errs[i])
			if look && errs[i] == nil {
				l.items[len(l.items)-1].job.Looked(changes)
			}
			continue
		}
		c.core.found(ctx, &r.lookup)
		if c.core.isDue(&r.lookup) {
			c.dueIn(b, load, s).addFound(r)
		} else if c.core.samples(&r.lookup) {
			c.audit(ctx, b.op, r.key, r.redisKey, source[K, V]{many: load, settings: s})
		}
		c.conclude(b, r)
	}
	if b.due != nil {
		c.core.engine.RefreshInBackground(ctx, &b.due.run)
	}
	c.core.engine.Load(ctx, &l.run)
	l.refreshFound(ctx)
	l.auditFound(ctx)
	for i := range l.items {
		switch v, absent, err := l.result(ctx, i); {
		case absent:
		case err != nil:
			b.errs[l.items[i].key] = err
		default:
			b.values[l.items[i].key] = v
		}
	}
	return c.result(b)
}

// predicted returns the requests that are predicted to find nothing, and those that are to read.
func (c *Cache[K, V]) predicted(requests []*request[K, V], s settings) (missing, read []*request[K, V]) {
	for i, r := range requests {
		switch {
		case c.core.predictsMiss(&r.lookup, s):
			missing = append(missing, r)
		case missing == nil: // as almost always: nothing is copied
			read = slices.Clip(requests[:i+1])
		default:
			read = append(read, r)
		}
	}
	return missing, read
}

// isOpen reports whether a request that has read, with an error, is still to be loaded.
func isOpen[K comparable, V any](r *request[K, V], err error, s settings) bool {
	return err != nil || !r.answers(s) && r.state != Absent
}

// open counts the requests that isOpen reports true for.
func open[K comparable, V any](requests []*request[K, V], errs []error, s settings) (n int) {
	for i, r := range requests {
		if isOpen(r, errs[i], s) {
			n++
		}
	}
	return n
}

// askFirst is what a batch asks Redis before it loads: for values, or also whether they are absent.
func (c *Cache[K, V]) askFirst(ctx context.Context, requests []*request[K, V], look bool) []error {
	if look {
		return c.probeMany(ctx, requests)
	}
	return c.readMany(ctx, requests)
}

// dueIn returns the loads of what a batch is to refresh in the background.
func (c *Cache[K, V]) dueIn(b *batch[K, V], load loader.BatchFunc[K, V], s settings) *loads[K, V] {
	if b.due == nil {
		b.due = &loads[K, V]{cache: c, source: source[K, V]{many: load, settings: s}}
		b.due.begin(b.op, make([]loadItem[K, V], 0, b.size), nil)
	}
	return b.due
}

// loadInBatch adds a request to the loads of a batch, unless it ends with the error of its
// read.
func (c *Cache[K, V]) loadInBatch(ctx context.Context, b *batch[K, V], l *loads[K, V], r *request[K, V], failed error) {
	key := r.key // the request is given up
	if err := l.add(ctx, r, failed); err != nil {
		b.errs[key] = err
	}
}

// readMany is read for requests that began together. It returns an error for each.
func (c *Cache[K, V]) readMany(ctx context.Context, requests []*request[K, V]) []error {
	return c.askMany(ctx, requests, c.core.store.ReadAll)
}

// probeMany is inspect for requests that began together, in the cheapest way there is.
func (c *Cache[K, V]) probeMany(ctx context.Context, requests []*request[K, V]) []error {
	return c.askMany(ctx, requests, c.core.store.ProbeAll)
}

type askManyFunc func(ctx context.Context, deadline time.Time, keys []string, entries []*store.Entry) []error

func (c *Cache[K, V]) askMany(ctx context.Context, requests []*request[K, V], ask askManyFunc) []error {
	if len(requests) == 0 {
		return nil
	}
	asked := c.cached(requests)
	entries := make([]*store.Entry, len(asked))
	for i, r := range asked {
		entries[i] = &r.entry
	}
	var found []error
	if len(asked) > 0 {
		found = ask(ctx, c.core.deadlineOf(requests[0].began, len(asked)), redisKeys(asked), entries)
	}
	errs := found
	if len(asked) < len(requests) {
		errs = make([]error, len(requests))
	}
	n := 0
	for i, r := range requests {
		err := ctx.Err()
		if n < len(asked) && asked[n] == r {
			err = c.inspected(ctx, r, found[n])
			n++
		}
		errs[i] = err
	}
	store.FreeAnswers(entries, found) // all are decoded
	return errs
}

// cached returns those of requests whose keys do not count as not cached.
func (c *Cache[K, V]) cached(requests []*request[K, V]) []*request[K, V] {
	if !c.core.store.HasUndelivered() {
		return requests
	}
	return slices.DeleteFunc(slices.Clone(requests), func(r *request[K, V]) bool {
		return c.core.store.IsUndelivered(r.redisKey)
	})
}
