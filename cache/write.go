package cache

import (
	"context"
	"errors"
	"time"
)

// Set stores v, in place of whatever the key held, in one step. A load that began before
// Set returned is not stored over it.
//
// An error leaves open whether v was stored, or is still going to be: what a proxy or a
// frozen server holds may be carried out later than RedisTimeout, also over a Delete that
// has returned nil since. Its TTL bounds how long v then stays. To repeat the call narrows
// this, once the connection is known to be gone.
//
// Two Sets of one key that overlap take effect in either order: where that matters,
// change the source and Delete.
func (c *Cache[K, V]) Set(ctx context.Context, key K, v V, opts ...Option) error {
	_, err := c.set(ctx, OpSet, key, v, opts, func(ctx context.Context, deadline time.Time, r *request[K, V], ttl time.Duration) (bool, error) {
		return true, c.core.store.Put(ctx, deadline, r.redisKey, &r.entry, ttl)
	})
	return err
}

// SetIfAbsent stores v if Redis has no value for key, and reports whether it has
// stored it. A remembered "does not exist" is no value. The command is not repeated
// when its answer is lost: an error leaves open whether v was stored.
func (c *Cache[K, V]) SetIfAbsent(ctx context.Context, key K, v V, opts ...Option) (stored bool, err error) {
	return c.set(ctx, OpSetIfAbsent, key, v, opts, func(ctx context.Context, deadline time.Time, r *request[K, V], ttl time.Duration) (bool, error) {
		return c.core.store.PutIfAbsent(ctx, deadline, r.redisKey, &r.entry, ttl)
	})
}

type putFunc[K comparable, V any] func(ctx context.Context, deadline time.Time, r *request[K, V], ttl time.Duration) (bool, error)

// set encodes v and puts it. A value whose lifetime is over is not stored: Set
// removes the entry then, SetIfAbsent does nothing.
func (c *Cache[K, V]) set(ctx context.Context, op Op, key K, v V, opts []Option, put putFunc[K, V]) (stored bool, err error) {
	r, event, err := c.prepare(ctx, op, key, v, opts)
	if err != nil {
		return false, err
	}
	w := write{event: event}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) { return put(ctx, deadline, r, event.TTL) }
	if alive := event.Outcome == WriteOK; !alive {
		if op == OpSetIfAbsent {
			c.core.reportWrite(ctx, event)
			return false, nil
		}
		w.send = c.core.store.Leaseless(r.redisKey).StoreNothing
	}
	if stored, err = c.core.write(ctx, c.deadline(r), w); err != nil {
		return false, err
	}
	c.end(r)
	return stored, nil
}

// prepare encodes v into the entry of a request, and says what is to be told of it: with
// WriteExpired, of a value whose lifetime is over.
func (c *Cache[K, V]) prepare(ctx context.Context, op Op, key K, v V, opts []Option) (r *request[K, V], event WriteEvent, err error) {
	r, err = c.begin(op, key)
	if err != nil {
		return nil, event, err
	}
	s, err := settingsOf(opts)
	if err != nil {
		return nil, event, c.core.error(op, r.redisKey, nil, err)
	}
	r.value = v
	event, err = c.encodeRequest(ctx, r, s)
	return r, event, err
}

// encodeRequest is the part of prepare that deals with the value of r.
func (c *Cache[K, V]) encodeRequest(ctx context.Context, r *request[K, V], s settings) (WriteEvent, error) {
	event := WriteEvent{Op: r.op, Key: r.redisKey, State: Present}
	size, err := c.encode(&r.entry, r.redisKey, &r.value)
	if err != nil {
		event.Outcome, event.Err = notEncoded(err), c.core.error(r.op, r.redisKey, ErrEncode, err)
		c.core.reportWrite(ctx, event)
		return event, event.Err
	}
	event.Bytes = size
	ttl, alive := c.lifetime(s, 0, r.key, &r.value)
	if event.TTL = ttl; !alive {
		event.Outcome = WriteExpired
	}
	return event, nil
}

var errAbsentOff = errors.New("AbsentTTL is Off: give the call a TTL")

// SetAbsent records that the source has no value for key, for AbsentTTL or the TTL
// of the call, in place of whatever the key held.
func (c *Cache[K, V]) SetAbsent(ctx context.Context, key K, opts ...Option) error {
	r, event, err := c.prepareAbsent(key, opts)
	if err != nil {
		return err
	}
	w := write{event: event}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) {
		return true, c.core.store.PutAbsent(ctx, deadline, r.redisKey, event.TTL)
	}
	if _, err := c.core.write(ctx, c.deadline(r), w); err != nil {
		return err
	}
	c.end(r)
	return nil
}

// prepareAbsent begins a request and says what is to be told of it.
func (c *Cache[K, V]) prepareAbsent(key K, opts []Option) (r *request[K, V], event WriteEvent, err error) {
	r, err = c.begin(OpSetAbsent, key)
	if err != nil {
		return nil, event, err
	}
	s, err := settingsOf(opts)
	ttl := defaultTo(s.ttl, c.core.absent)
	if err == nil && s.ttl == 0 && ttl == Off {
		err = errAbsentOff
	}
	if err != nil {
		return nil, event, c.core.error(OpSetAbsent, r.redisKey, nil, err)
	}
	return r, WriteEvent{Op: OpSetAbsent, Key: r.redisKey, State: Absent, TTL: c.core.shorten(ttl)}, nil
}

// Touch gives the value of key a new TTL, that of the cache or of the call; TTLFor is
// not asked. ok is false when there is no value. A remembered "does not exist"
// keeps its TTL.
func (c *Cache[K, V]) Touch(ctx context.Context, key K, opts ...Option) (ok bool, err error) {
	r, event, err := c.prepareTouch(key, opts)
	if err != nil {
		return false, err
	}
	ok, err = c.core.store.Touch(ctx, c.deadline(r), r.redisKey, event.TTL)
	if err != nil {
		return false, c.core.writeFailed(ctx, event, err)
	}
	c.core.wrote(ctx, event, ok)
	c.end(r)
	return ok, nil
}

// prepareTouch begins a request and says what is to be told of it, with the TTL to give.
func (c *Cache[K, V]) prepareTouch(key K, opts []Option) (r *request[K, V], event WriteEvent, err error) {
	r, err = c.begin(OpTouch, key)
	if err != nil {
		return nil, event, err
	}
	s, err := settingsOf(opts)
	if err != nil {
		return nil, event, c.core.error(OpTouch, r.redisKey, nil, err)
	}
	return r, WriteEvent{Op: OpTouch, Key: r.redisKey, State: Present, TTL: c.core.shorten(defaultTo(s.ttl, c.core.ttl))}, nil
}
