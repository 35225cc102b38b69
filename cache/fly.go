package cache

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// fly is what a flight does: look again if the key may have been filled since the
// call looked, load, store. r is its own.
func (c *Cache[K, V]) fly(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) (*found, error) {
	if !r.refresh && !r.noRedis && c.core.flights.Changes(r.redisKey) != r.changes {
		if seen, err := c.lookAgain(ctx, f, r); seen != nil || err != nil {
			return seen, err
		}
	}
	e, err := c.load(ctx, f, r)
	switch {
	case errors.Is(err, ErrNotFound):
		r.err = err
		return &found{state: Absent, unstored: c.storeAbsent(ctx, f, r)}, nil
	case err != nil:
		return nil, err
	}
	r.value = e.Value
	return c.storeValue(ctx, f, r, e)
}

// lookAgain returns what Redis knows of the key by now, nil for nothing. That is
// valid for all who joined before it was asked.
func (c *Cache[K, V]) lookAgain(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) (*found, error) {
	f.Seal()
	began := time.Now()
	m := &call[K, V]{op: r.op, key: r.key, redisKey: r.redisKey, broken: r.broken}
	m.began = began.Add(r.patience - c.core.redisTimeout)
	m, err := c.survive(ctx, m, c.look(ctx, m, false))
	if err != nil {
		return nil, err
	}
	r.patience -= time.Since(began)
	r.noRedis, r.broken = m.noRedis, m.broken
	switch m.state {
	case Present:
		r.value = m.value
	case Absent:
		r.err = ErrNotFound
	default:
		return nil, nil
	}
	return &found{state: m.state, entry: &m.entry}, nil
}

// storeValue stores a loaded value and makes it one that others can share.
func (c *Cache[K, V]) storeValue(ctx context.Context, f *flight.Flight[*found], r *request[K, V], e loader.Entry[V]) (*found, error) {
	entry := new(store.Entry)
	size, err := c.encode(entry, r.redisKey, &e.Value)
	if err != nil {
		err := c.core.error(r.op, r.redisKey, ErrEncode, err)
		c.core.observer.survived(ctx, err)
		return nil, err
	}
	ttl, alive := c.lifetime(r.settings, e.TTL, r.key, &e.Value)
	w := write{event: WriteEvent{Key: r.redisKey, State: Present, Bytes: size, TTL: ttl}}
	switch {
	case alive && !e.NoStore:
		w.send = func(ctx context.Context, deadline time.Time) error {
			return c.core.store.Put(ctx, deadline, r.redisKey, entry, ttl)
		}
	case r.refresh || r.broken:
		w = c.core.removal(r.redisKey)
	}
	return &found{Present, entry, c.core.settle(ctx, f, &r.task, w)}, nil
}

// storeAbsent notes that the source has no value.
func (c *Cache[K, V]) storeAbsent(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) error {
	var w write
	ttl, remembered := c.core.absentTTL()
	switch {
	case remembered:
		w.event = WriteEvent{Key: r.redisKey, State: Absent, TTL: ttl}
		w.send = func(ctx context.Context, deadline time.Time) error {
			return c.core.store.PutAbsent(ctx, deadline, r.redisKey, ttl)
		}
	case r.refresh || r.broken:
		w = c.core.removal(r.redisKey)
	}
	return c.core.settle(ctx, f, &r.task, w)
}

// settle ends a flight that has a result: w is sent, unless a write of the key
// came after the load began. The error says that Redis has not stored it: that is
// one of a refresh only, which is asked for its effect; all others have their value.
func (c *core) settle(ctx context.Context, f *flight.Flight[*found], t *task, w write) error {
	if !f.SealStore() {
		if w.event.Key != "" && ctx.Err() == nil { // else nobody waits for the result any more
			w.event.Fenced = true
			c.stats.fenced.Add(1)
			c.observer.write(ctx, w.event)
		}
		return nil
	}
	if w.send == nil || t.noRedis {
		return nil
	}
	// Who leaves from here on must not leave a store behind that a write does not
	// know to have ended.
	ctx = context.WithoutCancel(ctx)
	err := w.send(ctx, time.Now().Add(t.patience))
	f.Settled()
	if err != nil {
		return c.redisError(ctx, t.op, t.redisKey, err)
	}
	c.sawWrite(ctx, w.event)
	return nil
}
