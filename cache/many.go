package cache

import (
	"context"
	"time"

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
	if _, err := settingsOf(opts); err != nil {
		return nil, c.core.error(b.op, "", nil, err)
	}
	calls, err := c.beginMany(b, keys)
	if err != nil {
		return nil, err
	}
	calls = c.survivors(ctx, b, calls, c.readMany(ctx, calls))
	if c.core.store.HoldsEmpties() {
		calls = c.lookAgain(ctx, b, calls)
	}
	for _, m := range calls {
		c.sawLookup(ctx, m)
		c.conclude(b, m)
	}
	return c.result(b)
}

// lookAgain looks closely for what was not found.
func (c *Cache[K, V]) lookAgain(ctx context.Context, b *batch[K, V], calls []*call[K, V]) []*call[K, V] {
	var found, missing []*call[K, V]
	for _, m := range calls {
		if m.state == Missing && !m.broken {
			missing = append(missing, m)
		} else {
			found = append(found, m)
		}
	}
	return append(found, c.survivors(ctx, b, missing, c.lookMany(ctx, missing))...)
}

// survivors notes the errors of calls that Redis has failed, and returns the others.
func (c *Cache[K, V]) survivors(ctx context.Context, b *batch[K, V], calls []*call[K, V], errs []error) []*call[K, V] {
	rest := calls[:0]
	for i, m := range calls {
		if errs[i] != nil {
			b.errs[m.key] = c.unanswered(ctx, m, errs[i])
			continue
		}
		rest = append(rest, m)
	}
	return rest
}

// conclude ends a call of b with what it has found itself.
func (c *Cache[K, V]) conclude(b *batch[K, V], m *call[K, V]) {
	key, state := m.key, m.state
	if v, _ := c.answer(m); state == Present {
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
// load and did not, for those that Redis did not answer for if it did for others, and one by
// one for keys that are written again and again meanwhile.
//
// Errors are told by key, in a *BatchError; the map then holds what was obtained. An error
// of load comes back for each of its keys as it was, or what a *BatchError of load says of
// the key. Hits cost what GetMany costs, misses two round trips more, however many they are.
// RedisTimeout bounds the wait for all of them together.
func (c *Cache[K, V]) GetOrSetMany(ctx context.Context, keys []K, load loader.BatchFunc[K, V], opts ...Option) (map[K]V, error) {
	b := newBatch[K, V](OpGetOrSetMany, len(keys))
	s, err := settingsOf(opts)
	if err == nil && load == nil {
		err = errNoLoader
	}
	if err != nil {
		return nil, c.core.error(b.op, "", nil, err)
	}
	calls, err := c.beginMany(b, keys)
	if err != nil {
		return nil, err
	}
	var open, plain []*call[K, V]
	for _, m := range calls {
		if c.core.foreseesMiss(m.redisKey) {
			open = append(open, m)
		} else {
			plain = append(plain, m)
		}
	}
	errs := c.readMany(ctx, plain)
	for i, m := range plain {
		if m = c.surviveIn(ctx, b, m, errs[i]); m == nil {
			continue
		}
		if m.state == Present {
			c.sawLookup(ctx, m)
			c.conclude(b, m)
			continue
		}
		open = append(open, m)
	}
	c.obtainMany(ctx, b, open, load, s)
	return c.result(b)
}

// surviveIn is survive for a call of b. It returns nil for one that has ended.
func (c *Cache[K, V]) surviveIn(ctx context.Context, b *batch[K, V], m *call[K, V], err error) *call[K, V] {
	rest, err := c.survive(ctx, m, err)
	if err != nil {
		b.errs[m.key] = err
		return nil
	}
	return rest
}

// readMany is read for calls that began together. It returns an error for each.
func (c *Cache[K, V]) readMany(ctx context.Context, calls []*call[K, V]) []error {
	return c.askMany(ctx, calls, c.core.store.ReadAll)
}

// lookMany is poll for calls that began together.
func (c *Cache[K, V]) lookMany(ctx context.Context, calls []*call[K, V]) []error {
	return c.askMany(ctx, calls, c.core.store.ProbeAll)
}

type askManyFunc func(ctx context.Context, deadline time.Time, keys []string, entries []*store.Entry) []error

func (c *Cache[K, V]) askMany(ctx context.Context, calls []*call[K, V], ask askManyFunc) []error {
	if len(calls) == 0 {
		return nil
	}
	entries := make([]*store.Entry, len(calls))
	for i, m := range calls {
		entries[i] = &m.entry
	}
	errs := ask(ctx, c.deadline(calls[0]), redisKeys(calls), entries)
	for i, m := range calls {
		errs[i] = c.looked(ctx, m, errs[i])
	}
	return errs
}
