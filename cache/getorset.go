package cache

import (
	"context"
	"errors"

	"github.com/asidecache/aside/loader"
)

// GetOrSet returns the value of key from Redis or, if there is none, from load,
// and stores it. ErrNotFound, from load or remembered, says that the source has no
// value. Every other error of load comes back as it was, and nothing is stored.
//
// Concurrent calls for one key share one load, in the whole fleet while leases are
// on: it runs with the values of the first caller's context, but is cancelled only when
// nobody waits for it any more, or by LoadTimeout. Each caller has a value of its own. A
// call whose context ends returns at once, with an *Error that is the context's error. A
// panic in load comes out of the call that brought it; the others get an *Error of kind
// ErrPanic.
//
// A loader must not call GetOrSet for the key that it is loading: that is an error.
//
// A hit costs one plain read, a miss three round trips, or two where it is predicted.
// A call that waits for the load of another process asks Redis after an eighth of the time
// it has waited so far.
func (c *Cache[K, V]) GetOrSet(ctx context.Context, key K, load loader.Func[K, V], opts ...Option) (V, error) {
	if load != nil {
		if h, ok := c.fromNear(ctx, OpGetOrSet, key, opts, true); ok {
			if h.due || h.sampled {
				c.followNear(ctx, h, entryFunc(load), opts)
			}
			if c.isShared(&h) {
				return h.entry.value, h.err()
			}
			return c.clone(h.entry.value), nil
		}
	}
	r, s, v, err := c.lookup(ctx, OpGetOrSet, key, load == nil, opts)
	if r == nil {
		return v, err
	}
	return c.load(ctx, r, err, entryFunc(load), s)
}

// GetOrSetEntry is GetOrSet with a loader that also says how long its value is
// kept, or that it is not to be stored at all.
func (c *Cache[K, V]) GetOrSetEntry(ctx context.Context, key K, load loader.EntryFunc[K, V], opts ...Option) (V, error) {
	if load != nil {
		if h, ok := c.fromNear(ctx, OpGetOrSet, key, opts, true); ok {
			if h.due || h.sampled {
				c.followNear(ctx, h, load, opts)
			}
			if c.isShared(&h) {
				return h.entry.value, h.err()
			}
			return c.clone(h.entry.value), nil
		}
	}
	r, s, v, err := c.lookup(ctx, OpGetOrSet, key, load == nil, opts)
	if r == nil {
		return v, err
	}
	return c.load(ctx, r, err, load, s)
}

// Refresh loads the value of key, whatever Redis has, stores it in its place and
// returns it. The load begins after the call: a load that is under way is waited
// for, in whatever process, and overlapping refreshes of this one share the next.
// When the load fails the entry stays as it was. When the key is written meanwhile,
// Refresh loads again, three times at most, and then removes the entry. When Redis
// fails to store the value that is an error, whatever the FailurePolicy. Otherwise
// Refresh is like GetOrSet.
func (c *Cache[K, V]) Refresh(ctx context.Context, key K, load loader.Func[K, V], opts ...Option) (V, error) {
	var none V
	r, s, err := c.beginLoad(OpRefresh, key, load == nil, opts)
	if err != nil {
		return none, err
	}
	redisKey := r.redisKey // load ends the request
	v, err := c.load(ctx, r, nil, entryFunc(load), s)
	switch {
	case err == nil:
		c.core.store.Record(redisKey)
	case c.core.IsRedisError(err):
		c.core.redeliver(OpRefresh, redisKey, err)
	}
	return v, err
}

// entryFunc makes a loader of values one of entries.
func entryFunc[K comparable, V any](load loader.Func[K, V]) loader.EntryFunc[K, V] {
	return func(ctx context.Context, key K) (loader.Entry[V], error) {
		v, err := load(ctx, key)
		return loader.Entry[V]{Value: v}, err
	}
}

var errNoLoader = errors.New("the loader is nil")

// beginLoad is beginWith for a call that may load.
func (c *Cache[K, V]) beginLoad(op Op, key K, noLoader bool, opts []Option) (r *request[K, V], s settings, err error) {
	r, s, err = c.beginWith(op, key, opts)
	if err == nil && noLoader {
		err = c.core.error(op, r.redisKey, nil, errNoLoader)
	}
	return r, s, err
}

// lookup is the part of GetOrSet that most calls do not get beyond: one plain
// read. It returns nil and the answer; or a request that is to be loaded, or that has its answer
// and is to be refreshed or audited. Then the error is that of a read that Redis has failed.
func (c *Cache[K, V]) lookup(ctx context.Context, op Op, key K, noLoader bool, opts []Option) (r *request[K, V], s settings, v V, err error) {
	r, s, err = c.beginLoad(op, key, noLoader, opts)
	if err != nil {
		return nil, s, v, err
	}
	if c.core.predictsMissOfOne(&r.lookup, s) {
		return r, s, v, nil
	}
	err = c.read(ctx, r)
	if err != nil || !r.answers(s) {
		return r, s, v, err
	}
	c.core.found(ctx, &r.lookup)
	if c.core.isDue(&r.lookup) || c.core.samples(&r.lookup) {
		return r, s, v, nil
	}
	v, err = c.answer(r)
	return nil, s, v, err
}

// load answers a request for which a read has found no value, or for a refresh, by a load,
// its own or one that is under way. failed is the error of that read. A request that has found its
// answer is refreshed in the background, or audited. It ends the request.
func (c *Cache[K, V]) load(ctx context.Context, r *request[K, V], failed error, load loader.EntryFunc[K, V], s settings) (V, error) {
	if r.answers(s) {
		if r.sampled {
			c.audit(ctx, r.op, r.key, r.redisKey, source[K, V]{one: load, settings: s})
		} else {
			c.refresh(ctx, r, load, s)
		}
		return c.answer(r)
	}
	l := &loads[K, V]{cache: c, source: source[K, V]{one: load, settings: s}}
	l.begin(r.op, l.backing.items[:0], l.backing.jobs[:0])
	if err := l.add(ctx, r, failed); err != nil {
		var none V
		return none, err
	}
	c.core.engine.Load(ctx, &l.run)
	l.refreshFound(ctx)
	l.auditFound(ctx)
	v, _, err := l.result(ctx, 0)
	return v, err
}
