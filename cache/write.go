package cache

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// A write is something to send to Redis, and what to tell of it.
type write struct {
	send  func(ctx context.Context, deadline time.Time) (done bool, err error)
	event WriteEvent
}

// sawWrite tells what has become of a write that a caller has asked for.
func (c *core) sawWrite(ctx context.Context, e WriteEvent) {
	if e.Outcome == WriteOK && e.stores() {
		c.foresight.wasStored(e.Key)
		c.stats.stores.Add(1)
	}
	c.observer.write(ctx, e)
}

// stores reports whether the write puts something into Redis that was not there.
func (e *WriteEvent) stores() bool { return e.Op != OpDelete && e.Op != OpTouch }

// wrote tells that a write was answered: that it is done, or that there was nothing to do.
func (c *core) wrote(ctx context.Context, e WriteEvent, done bool) {
	if e.Outcome == WriteOK && !done {
		e.Outcome = WriteUnchanged
	}
	c.sawWrite(ctx, e)
}

// writeFailed tells that Redis has failed a write, and returns the error of that.
func (c *core) writeFailed(ctx context.Context, e WriteEvent, cause error) error {
	e.Err = c.redisError(ctx, e.Op, e.Key, store.Sized(cause, e.Bytes))
	if e.Outcome = outcomeOf(cause); !errors.Is(e.Err, ErrRedis) { // the caller has left, or Close came first
		e.Outcome = WriteCancelled
	}
	c.sawWrite(ctx, e)
	return e.Err
}

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
	_, err := c.set(ctx, OpSet, key, v, opts, func(ctx context.Context, deadline time.Time, m *call[K, V], ttl time.Duration) (bool, error) {
		return true, c.core.store.Put(ctx, deadline, m.redisKey, &m.entry, ttl)
	})
	return err
}

// SetIfAbsent stores v if Redis has no value for key, and reports whether it has
// stored it. A remembered "does not exist" is no value. The command is not repeated
// when its answer is lost: an error leaves open whether v was stored.
func (c *Cache[K, V]) SetIfAbsent(ctx context.Context, key K, v V, opts ...Option) (stored bool, err error) {
	return c.set(ctx, OpSetIfAbsent, key, v, opts, func(ctx context.Context, deadline time.Time, m *call[K, V], ttl time.Duration) (bool, error) {
		return c.core.store.PutIfAbsent(ctx, deadline, m.redisKey, &m.entry, ttl)
	})
}

type putFunc[K comparable, V any] func(ctx context.Context, deadline time.Time, m *call[K, V], ttl time.Duration) (bool, error)

// set encodes v and puts it. A value whose lifetime is over is not stored: Set
// removes the entry then, SetIfAbsent does nothing.
func (c *Cache[K, V]) set(ctx context.Context, op Op, key K, v V, opts []Option, put putFunc[K, V]) (stored bool, err error) {
	m, event, err := c.prepare(ctx, op, key, v, opts)
	if err != nil {
		return false, err
	}
	w := write{event: event}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) { return put(ctx, deadline, m, event.TTL) }
	if alive := event.Outcome == WriteOK; !alive {
		if op == OpSetIfAbsent {
			c.core.sawWrite(ctx, event)
			return false, nil
		}
		w.send = c.core.store.Leaseless(m.redisKey).StoreNothing
	}
	if stored, err = c.core.write(ctx, c.deadline(m), w); err != nil {
		return false, err
	}
	c.end(m)
	return stored, nil
}

// prepare encodes v into the entry of a call, and says what is to be told of it: with
// WriteExpired, of a value whose lifetime is over.
func (c *Cache[K, V]) prepare(ctx context.Context, op Op, key K, v V, opts []Option) (m *call[K, V], event WriteEvent, err error) {
	m, err = c.begin(op, key)
	if err != nil {
		return nil, event, err
	}
	s, err := settingsOf(opts)
	if err != nil {
		return nil, event, c.core.error(op, m.redisKey, nil, err)
	}
	m.value = v
	event, err = c.encodeCall(ctx, m, s)
	return m, event, err
}

// encodeCall is the part of prepare that deals with the value of m.
func (c *Cache[K, V]) encodeCall(ctx context.Context, m *call[K, V], s settings) (WriteEvent, error) {
	event := WriteEvent{Op: m.op, Key: m.redisKey, State: Present}
	size, err := c.encode(&m.entry, m.redisKey, &m.value)
	if err != nil {
		event.Outcome, event.Err = notEncoded(err), c.core.error(m.op, m.redisKey, ErrEncode, err)
		c.core.sawWrite(ctx, event)
		return event, event.Err
	}
	event.Bytes = size
	ttl, alive := c.lifetime(s, 0, m.key, &m.value)
	if event.TTL = ttl; !alive {
		event.Outcome = WriteExpired
	}
	return event, nil
}

var errAbsentOff = errors.New("AbsentTTL is Off: give the call a TTL")

// SetAbsent notes that the source has no value for key, for AbsentTTL or the TTL
// of the call, in place of whatever the key held.
func (c *Cache[K, V]) SetAbsent(ctx context.Context, key K, opts ...Option) error {
	m, event, err := c.prepareAbsent(key, opts)
	if err != nil {
		return err
	}
	w := write{event: event}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) {
		return true, c.core.store.PutAbsent(ctx, deadline, m.redisKey, event.TTL)
	}
	if _, err := c.core.write(ctx, c.deadline(m), w); err != nil {
		return err
	}
	c.end(m)
	return nil
}

// prepareAbsent begins a call and says what is to be told of it.
func (c *Cache[K, V]) prepareAbsent(key K, opts []Option) (m *call[K, V], event WriteEvent, err error) {
	m, err = c.begin(OpSetAbsent, key)
	if err != nil {
		return nil, event, err
	}
	s, err := settingsOf(opts)
	ttl := defaultTo(s.ttl, c.core.absent)
	if err == nil && s.ttl == 0 && ttl == Off {
		err = errAbsentOff
	}
	if err != nil {
		return nil, event, c.core.error(OpSetAbsent, m.redisKey, nil, err)
	}
	return m, WriteEvent{Op: OpSetAbsent, Key: m.redisKey, State: Absent, TTL: c.core.shorten(ttl)}, nil
}

// write sends w so that no load that began before it returns is stored afterwards.
func (c *core) write(ctx context.Context, deadline time.Time, w write) (done bool, err error) {
	err = c.fenced(ctx, deadline, []string{w.event.Key}, func() (err error) {
		done, err = w.send(ctx, deadline)
		return err
	})
	if err != nil {
		return false, c.writeFailed(ctx, w.event, err)
	}
	c.wrote(ctx, w.event, done)
	return done, nil
}

// fenced runs do, which writes the keys.
func (c *core) fenced(ctx context.Context, deadline time.Time, keys []string, do func() error) error {
	end, err := c.fence(ctx, deadline, keys...)
	defer end()
	if err != nil {
		return err
	}
	return do()
}

// fence begins a write of the keys. After an error, too, end has to be called.
func (c *core) fence(ctx context.Context, deadline time.Time, keys ...string) (end func(), err error) {
	load, err := c.flights.Fence(ctx, deadline, keys...)
	if err != nil {
		return load.End, err
	}
	outage, err := c.outage.Fence(ctx, deadline, keys...)
	return func() {
		outage.End()
		load.End()
	}, err
}

// Delete removes the values of keys, and what is noted of them: after a change of
// the source, the next call loads anew. Once it has returned, no load that began
// before is stored, in whatever process, and no call that begins later gets the
// result of one.
//
// It is one round trip for a thousand keys, split by node on a cluster. An error
// names what Redis did not confirm: an *Error for one key, a *BatchError for
// several. Those keys may still hold their values: repeat the call.
// A Set that has failed before may be carried out after a Delete, see there.
func (c *Cache[K, V]) Delete(ctx context.Context, keys ...K) error {
	if len(keys) == 1 {
		return c.deleteOne(ctx, keys[0])
	}
	began := time.Now()
	b := newBatch[K, V](OpDelete, 0)
	calls, err := c.beginMany(b, keys)
	if err != nil {
		return err
	}
	deadline := began.Add(c.core.redisTimeout)
	doomed := redisKeys(calls)
	var failed map[int]error
	err = c.core.fenced(ctx, deadline, doomed, func() error {
		failed = c.core.store.Delete(ctx, deadline, doomed)
		return nil
	})
	for i, m := range calls {
		if cause := cmp.Or(err, failed[i]); cause != nil {
			b.errs[m.key] = c.core.writeFailed(ctx, m.deletion(), cause)
			continue
		}
		c.core.foresight.wasDeleted(m.redisKey)
		c.core.sawWrite(ctx, m.deletion())
		c.end(m)
	}
	_, err = c.result(b)
	return err
}

func (c *Cache[K, V]) deleteOne(ctx context.Context, key K) error {
	m, err := c.begin(OpDelete, key)
	if err != nil {
		return err
	}
	w := write{event: m.deletion()}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) {
		err := c.core.store.Delete(ctx, deadline, []string{m.redisKey})[0]
		if err == nil {
			c.core.foresight.wasDeleted(m.redisKey)
		}
		return true, err
	}
	if _, err := c.core.write(ctx, c.deadline(m), w); err != nil {
		return err
	}
	c.end(m)
	return nil
}

// deletion is what is told of a Delete.
func (m *call[K, V]) deletion() WriteEvent { return WriteEvent{Op: OpDelete, Key: m.redisKey} }

// Touch gives the value of key a new life, of TTL or the TTL of the call; TTLFor is
// not asked. ok is false when there is no value. A remembered "does not exist"
// keeps its life.
func (c *Cache[K, V]) Touch(ctx context.Context, key K, opts ...Option) (ok bool, err error) {
	m, event, err := c.prepareTouch(key, opts)
	if err != nil {
		return false, err
	}
	ok, err = c.core.store.Touch(ctx, c.deadline(m), m.redisKey, event.TTL)
	if err != nil {
		return false, c.core.writeFailed(ctx, event, err)
	}
	c.core.wrote(ctx, event, ok)
	c.end(m)
	return ok, nil
}

// prepareTouch begins a call and says what is to be told of it, with the TTL to give.
func (c *Cache[K, V]) prepareTouch(key K, opts []Option) (m *call[K, V], event WriteEvent, err error) {
	m, err = c.begin(OpTouch, key)
	if err != nil {
		return nil, event, err
	}
	s, err := settingsOf(opts)
	if err != nil {
		return nil, event, c.core.error(OpTouch, m.redisKey, nil, err)
	}
	return m, WriteEvent{Op: OpTouch, Key: m.redisKey, State: Present, TTL: c.core.shorten(defaultTo(s.ttl, c.core.ttl))}, nil
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
	m, err := c.begin(OpRefresh, key)
	if err != nil {
		return none, err
	}
	s, err := settingsOf(opts)
	if err == nil && load == nil {
		err = errNoLoader
	}
	if err != nil {
		return none, c.core.error(OpRefresh, m.redisKey, nil, err)
	}
	return c.obtain(ctx, m, entryFunc(load), s, true)
}

// entryFunc makes a loader of values one of entries.
func entryFunc[K comparable, V any](load loader.Func[K, V]) loader.EntryFunc[K, V] {
	return func(ctx context.Context, key K) (loader.Entry[V], error) {
		v, err := load(ctx, key)
		return loader.Entry[V]{Value: v}, err
	}
}
