package cache

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// Set stores v, in place of whatever the key held, in one step. A load that began before
// Set returned is not stored over it.
//
// After an error this process treats the key as not cached, and sends deletes of it, as after a
// Delete that has failed; but not after one of kind ErrEncode, which leaves all as it was.
//
// An error leaves open whether v was stored, or is still going to be: what a proxy or a
// frozen server holds may be carried out later than RedisTimeout, also over a Delete that
// has returned nil since. So the key is deleted again 1, 5 and 30 s later, see Stats.Unsettled;
// after that the TTL of v bounds how long it stays. To repeat the call narrows this, once the
// connection is known to be gone.
//
// Two Sets of one key that overlap take effect in either order: where that matters,
// change the source and Delete.
func (c *Cache[K, V]) Set(ctx context.Context, key K, v V, opts ...Option) error {
	_, err := c.set(ctx, OpSet, key, v, opts)
	return err
}

// SetIfAbsent stores v if Redis has no value for key, and reports whether it has
// stored it. A remembered "does not exist" is no value. The command is not repeated
// when its answer is lost: an error leaves open whether v was stored.
func (c *Cache[K, V]) SetIfAbsent(ctx context.Context, key K, v V, opts ...Option) (stored bool, err error) {
	return c.set(ctx, OpSetIfAbsent, key, v, opts)
}

func (c *Cache[K, V]) set(ctx context.Context, op Op, key K, v V, opts []Option) (stored bool, err error) {
	r, event, err := c.prepare(ctx, op, key, v, opts)
	if err != nil {
		return false, err
	}
	stored, err = c.core.put(ctx, c.core.deadline(&r.lookup), event, &r.entry)
	if err == nil {
		c.end(r)
	}
	return stored, err
}

// prepare encodes v into the entry of a request, and says what is to be told of it: with
// WriteExpired, of a value whose lifetime is over.
func (c *Cache[K, V]) prepare(ctx context.Context, op Op, key K, v V, opts []Option) (r *request[K, V], event WriteEvent, err error) {
	r, s, err := c.beginWith(op, key, opts)
	if err != nil {
		return nil, event, err
	}
	r.value = v
	event, err = c.encodeRequest(ctx, r, s)
	return r, event, err
}

// encodeRequest is the part of prepare that deals with the value of r.
func (c *Cache[K, V]) encodeRequest(ctx context.Context, r *request[K, V], s settings) (WriteEvent, error) {
	size, err := c.encode(&r.entry, r.redisKey, &r.value)
	if err != nil {
		return c.core.notEncoded(ctx, r.op, r.redisKey, err)
	}
	event := WriteEvent{Op: r.op, Key: r.redisKey, State: Present, Bytes: size}
	ttl, alive := c.lifetime(s, 0, r.key, &r.value)
	if event.TTL = ttl; !alive {
		event.Outcome = WriteExpired
	}
	return event, nil
}

// notEncoded tells that a value was not stored, as it cannot be encoded.
func (c *core) notEncoded(ctx context.Context, op Op, key string, err error) (WriteEvent, error) {
	event := WriteEvent{Op: op, Key: key, State: Present, Outcome: notEncoded(err)}
	event.Err = c.error(op, key, ErrEncode, err)
	c.reportWrite(ctx, event)
	return event, event.Err
}

// put stores the value of e. A value whose lifetime is over is not stored: Set removes the
// entry then, SetIfAbsent does nothing.
func (c *core) put(ctx context.Context, deadline time.Time, event WriteEvent, e *store.Entry) (stored bool, err error) {
	alive := event.Outcome == WriteOK
	if !alive && event.Op == OpSetIfAbsent {
		c.reportWrite(ctx, event)
		return false, nil
	}
	return c.write(ctx, deadline, event, func() (bool, error) {
		switch {
		case !alive:
			return c.store.Unconditional(event.Key).StoreNothing(ctx, deadline)
		case event.Op == OpSetIfAbsent:
			return c.store.PutIfAbsent(ctx, deadline, event.Key, e, event.TTL)
		}
		return true, c.store.Put(ctx, deadline, event.Key, e, event.TTL)
	})
}

// SetAbsent records that the source has no value for key, for AbsentTTL or the TTL
// of the call, in place of whatever the key held.
func (c *Cache[K, V]) SetAbsent(ctx context.Context, key K, opts ...Option) error {
	r, s, err := c.beginWith(OpSetAbsent, key, opts)
	if err != nil {
		return err
	}
	event, err := c.core.absentEvent(r.redisKey, s)
	if err == nil {
		err = c.core.putAbsent(ctx, c.core.deadline(&r.lookup), event)
	}
	if err == nil {
		c.end(r)
	}
	return err
}

var errAbsentOff = errors.New("AbsentTTL is Off: give the call a TTL")

// absentEvent says what is to be told of a SetAbsent.
func (c *core) absentEvent(key string, s settings) (event WriteEvent, err error) {
	ttl := defaultTo(s.ttl, c.absent)
	if s.ttl == 0 && ttl == Off {
		return event, c.error(OpSetAbsent, key, nil, errAbsentOff)
	}
	return WriteEvent{Op: OpSetAbsent, Key: key, State: Absent, TTL: c.storedTTL(ttl)}, nil
}

func (c *core) putAbsent(ctx context.Context, deadline time.Time, event WriteEvent) error {
	_, err := c.write(ctx, deadline, event, func() (bool, error) {
		return true, c.store.PutAbsent(ctx, deadline, event.Key, event.TTL)
	})
	return err
}

// Touch gives the value of key a new TTL, that of the cache or of the call; TTLFor is
// not asked. ok is false when there is no value. A remembered "does not exist"
// keeps its TTL.
func (c *Cache[K, V]) Touch(ctx context.Context, key K, opts ...Option) (ok bool, err error) {
	r, s, err := c.beginWith(OpTouch, key, opts)
	if err != nil {
		return false, err
	}
	ok, err = c.core.touch(ctx, c.core.deadline(&r.lookup), c.core.touchEvent(r.redisKey, s))
	if err == nil {
		c.end(r)
	}
	return ok, err
}

// touchEvent says what is to be told of a Touch, with the TTL to give.
func (c *core) touchEvent(key string, s settings) WriteEvent {
	ttl := c.storedTTL(defaultTo(s.ttl, c.ttl))
	return WriteEvent{Op: OpTouch, Key: key, State: Present, TTL: ttl}
}

func (c *core) touch(ctx context.Context, deadline time.Time, event WriteEvent) (ok bool, err error) {
	c.store.Written(event.Key)
	defer c.store.Written(event.Key)
	undelivered, err := c.undelivered(ctx, event.Key)
	if !undelivered {
		ok, err = c.store.Touch(ctx, deadline, event.Key, event.TTL)
	}
	if err != nil {
		return false, c.writeFailed(ctx, event, err, sending{})
	}
	c.wrote(ctx, event, ok)
	return ok, nil
}
