package cache

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// Get returns the value of key if Redis has one; it never loads. ok is false, and
// the error nil, for a key that is missing as for one that the source does not
// have: Entry tells them apart. One plain read; where values may be empty and are no
// strings, a second round trip when there is no other.
func (c *Cache[K, V]) Get(ctx context.Context, key K, opts ...Option) (v V, ok bool, err error) {
	if h, ok := c.fromNear(ctx, OpGet, key, opts, false); ok {
		if c.isShared(&h) {
			return h.entry.value, h.state.hasValue(), nil
		}
		return c.clone(h.entry.value), true, nil
	}
	r, s, err := c.beginWith(OpGet, key, opts)
	if err != nil {
		return v, false, err
	}
	err = c.read(ctx, r)
	if err == nil && r.state == Missing && !r.broken && c.core.store.HoldsEmpties() {
		err = c.inspect(ctx, r, false)
	}
	if err != nil {
		return v, false, c.core.unanswered(ctx, &r.lookup, err)
	}
	r.settle(s)
	c.core.found(ctx, &r.lookup)
	v, ok = r.value, r.state.hasValue()
	c.end(r)
	return v, ok, nil
}

// Entry returns all that Redis knows of key, without a load: the value or that the
// source has none, and the remaining TTL. A key that is not there gives State
// Missing and no error; beside an error of Redis the State is Unknown. One round trip.
func (c *Cache[K, V]) Entry(ctx context.Context, key K, opts ...Option) (Entry[V], error) {
	if h, ok := c.fromNear(ctx, OpEntry, key, opts, false); ok {
		return c.nearWhole(h), nil
	}
	r, s, err := c.beginWith(OpEntry, key, opts)
	if err != nil {
		return Entry[V]{}, err
	}
	if err := c.inspect(ctx, r, true); err != nil {
		return Entry[V]{State: Unknown, Source: None}, c.core.unanswered(ctx, &r.lookup, err)
	}
	r.settle(s)
	c.core.found(ctx, &r.lookup)
	e := c.whole(r)
	c.end(r)
	return e, nil
}

// whole is what a request has found that has asked for all.
func (c *Cache[K, V]) whole(r *request[K, V]) Entry[V] {
	return Entry[V]{Value: r.value, State: r.state, Source: Redis, TTL: c.core.remainingTTL(&r.lookup)}
}

// settle has a stale value count as none for a call that does not want one.
func (r *request[K, V]) settle(s settings) {
	if s.noStale && r.state == Stale {
		var none V
		r.state, r.value = Missing, none
	}
}

// read sets r.state, and r.value if Present, by one plain read, which finds
// neither absent marks nor empty values. An error is one of Redis or of ctx.
func (c *Cache[K, V]) read(ctx context.Context, r *request[K, V]) error {
	var found bool
	var err error
	if r.near {
		found, err = c.core.readNear(ctx, &r.lookup, &r.ticket)
	} else {
		found, err = c.core.read(ctx, &r.lookup, r.began)
	}
	if found {
		c.decode(ctx, r)
	}
	return err
}

// inspect is read in full: it also finds that the source has no value, and that the
// value is empty; with ttl, the remaining TTL.
func (c *Cache[K, V]) inspect(ctx context.Context, r *request[K, V], ttl bool) error {
	return c.inspected(ctx, r, c.core.inspect(ctx, &r.lookup, ttl))
}

// inspected sets r.state, and r.value if Present, by what the store has found.
func (c *Cache[K, V]) inspected(ctx context.Context, r *request[K, V], err error) error {
	found, err := c.core.inspected(ctx, &r.lookup, err)
	switch {
	case found:
		c.decode(ctx, r)
	case r.state == Absent:
		c.keep(r)
	}
	return err
}

// decode sets r.value from r.entry. Bytes that cannot be decoded count as no
// value: the next load replaces them.
func (c *Cache[K, V]) decode(ctx context.Context, r *request[K, V]) {
	var zero V
	r.value = zero
	if err := c.parse(&r.entry.Wire, &r.value); err != nil {
		r.value = zero
		c.core.reportBroken(ctx, &r.lookup, err)
		return
	}
	r.state = c.core.valueState(&r.entry)
	c.keep(r)
}

// answer ends a request with what it has found itself.
func (c *Cache[K, V]) answer(r *request[K, V]) (V, error) {
	v, state := r.value, r.state
	c.end(r)
	if state == Absent {
		return v, ErrNotFound
	}
	return v, nil
}

// valueState is the state of an entry that has a value.
func (c *core) valueState(e *store.Entry) State {
	if c.engine.IsStale(e.TTL) {
		return Stale
	}
	return Present
}

// read reports whether the entry has a value, by one plain read whose wait for Redis begins
// at a time.
func (c *core) read(ctx context.Context, l *lookup, began time.Time) (found bool, err error) {
	if undelivered, err := c.undelivered(ctx, l.redisKey); undelivered {
		return false, err
	}
	found, err = c.engine.Read(ctx, l.redisKey, &l.entry, began, c.deadline(l))
	if store.IsBroken(err) {
		c.reportBroken(ctx, l, err)
		return false, nil
	}
	return found, err
}

// readAgain is read for a lookup that has waited for Redis before.
func (c *core) readAgain(ctx context.Context, l *lookup) (found bool, err error) {
	ctx, cancel := context.WithDeadline(ctx, c.deadline(l))
	defer cancel()
	return c.read(ctx, l, time.Now())
}

func (c *core) inspect(ctx context.Context, l *lookup, ttl bool) error {
	if undelivered, err := c.undelivered(ctx, l.redisKey); undelivered {
		l.entry.SetMissing()
		return err
	}
	return c.store.Inspect(ctx, c.deadline(l), l.redisKey, &l.entry, ttl)
}

// inspected makes sense of what the store has found, and reports whether the entry has a
// value.
func (c *core) inspected(ctx context.Context, l *lookup, err error) (found bool, _ error) {
	switch {
	case store.IsBroken(err):
		c.reportBroken(ctx, l, err)
		return false, nil
	case err != nil:
		return false, err
	case l.entry.State == store.Absent:
		l.state = Absent
	}
	return l.entry.State == store.Present, nil
}
