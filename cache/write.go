package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/family"
	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// A write is something to send to Redis, and what to tell of it.
type write struct {
	send  func(ctx context.Context, deadline time.Time) (stored bool, err error) // nil: nothing
	event WriteEvent                                                             // without a key: not told
}

func (c *core) sawWrite(ctx context.Context, e WriteEvent) {
	if e.Key != "" {
		c.stats.stores.Add(1)
		c.observer.write(ctx, e)
	}
}

// sawFenced tells of what was not stored because a write came first.
func (c *core) sawFenced(ctx context.Context, e WriteEvent) {
	if e.Key != "" {
		e.Fenced = true
		c.stats.fenced.Add(1)
		c.observer.write(ctx, e)
	}
}

// Set stores v, in place of whatever the key held. It is sent as one transaction;
// an error leaves open whether it was carried out. A load that began before Set
// returned is not stored over it.
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
	m, err := c.begin(op, key)
	if err != nil {
		return false, err
	}
	s, err := settingsOf(opts)
	if err != nil {
		return false, c.core.error(op, m.redisKey, nil, err)
	}
	m.value = v
	size, err := c.encode(&m.entry, m.redisKey, &m.value)
	if err != nil {
		return false, c.core.error(op, m.redisKey, ErrEncode, err)
	}
	ttl, alive := c.lifetime(s, 0, key, &m.value)
	if !alive && op == OpSetIfAbsent {
		return false, nil
	}
	w := write{event: WriteEvent{Key: m.redisKey, State: Present, Bytes: size, TTL: ttl}}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) { return put(ctx, deadline, m, ttl) }
	if !alive {
		w = write{send: c.core.store.Unleased(m.redisKey).StoreNothing}
	}
	if stored, err = c.core.write(ctx, op, m.redisKey, c.deadline(m), w); err != nil {
		return false, err
	}
	c.end(m)
	return stored && alive, nil
}

var errAbsentOff = errors.New("AbsentTTL is Off: give the call a TTL")

// SetAbsent notes that the source has no value for key, for AbsentTTL or the TTL
// of the call, in place of whatever the key held.
func (c *Cache[K, V]) SetAbsent(ctx context.Context, key K, opts ...Option) error {
	m, err := c.begin(OpSetAbsent, key)
	if err != nil {
		return err
	}
	s, err := settingsOf(opts)
	ttl := defaultTo(s.ttl, c.core.absent)
	if err == nil && s.ttl == 0 && ttl == Off {
		err = errAbsentOff
	}
	if err != nil {
		return c.core.error(OpSetAbsent, m.redisKey, nil, err)
	}
	w := write{event: WriteEvent{Key: m.redisKey, State: Absent, TTL: c.core.shorten(ttl)}}
	w.send = func(ctx context.Context, deadline time.Time) (bool, error) {
		return true, c.core.store.PutAbsent(ctx, deadline, m.redisKey, w.event.TTL)
	}
	if _, err := c.core.write(ctx, OpSetAbsent, m.redisKey, c.deadline(m), w); err != nil {
		return err
	}
	c.end(m)
	return nil
}

// write sends w so that no load that began before it returns is stored afterwards.
func (c *core) write(ctx context.Context, op Op, key string, deadline time.Time, w write) (stored bool, err error) {
	err = c.fenced(ctx, deadline, []string{key}, func() (err error) {
		stored, err = w.send(ctx, deadline)
		return err
	})
	if err != nil {
		return false, c.redisError(ctx, op, key, err)
	}
	if stored {
		c.foresight.wasStored(key)
		c.sawWrite(ctx, w.event)
	}
	return stored, nil
}

// fenced runs do, which writes the keys.
func (c *core) fenced(ctx context.Context, deadline time.Time, keys []string, do func() error) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for _, flights := range []*flight.Group[*found]{&c.flights, &c.outage} {
		fence, err := flights.Fence(ctx, keys...)
		defer fence.End()
		if err != nil {
			return err
		}
	}
	return do()
}

// Delete removes the values of keys, and what is noted of them: after a change of
// the source, the next call loads anew. Once it has returned, no load that began
// before is stored, in whatever process, and no call that begins later gets the
// result of one.
//
// It is one round trip for a thousand keys, split by node on a cluster. An error
// names what Redis did not confirm: an *Error for one key, a *BatchError for
// several. Those keys may still hold their values: repeat the call.
func (c *Cache[K, V]) Delete(ctx context.Context, keys ...K) error {
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
			b.errs[m.key] = c.core.redisError(ctx, OpDelete, m.redisKey, cause)
			continue
		}
		c.core.foresight.wasDeleted(m.redisKey)
		c.end(m)
	}
	for _, err := range b.errs {
		if len(keys) == 1 {
			return err
		}
	}
	_, err = b.result()
	return err
}

// Touch gives the value of key a new life, of TTL or the TTL of the call; TTLFor is
// not asked. ok is false when there is no value. A remembered "does not exist"
// keeps its life.
func (c *Cache[K, V]) Touch(ctx context.Context, key K, opts ...Option) (ok bool, err error) {
	m, err := c.begin(OpTouch, key)
	if err != nil {
		return false, err
	}
	s, err := settingsOf(opts)
	if err != nil {
		return false, c.core.error(OpTouch, m.redisKey, nil, err)
	}
	ttl := c.core.shorten(defaultTo(s.ttl, c.core.ttl))
	ok, err = c.core.store.Touch(ctx, c.deadline(m), m.redisKey, ttl)
	if err != nil {
		return false, c.core.redisError(ctx, OpTouch, m.redisKey, err)
	}
	c.end(m)
	return ok, nil
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

// encode puts the bytes of v into e and returns their number. What a codec panics
// with may hold the value, and would be told to those who share the load.
func (c *Cache[K, V]) encode(e *store.Entry, redisKey string, v *V) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = family.CodecPanic(r)
		}
	}()
	e.Wire.Reset(redisKey)
	if err := c.codec.Encode(&e.Wire, v); err != nil {
		return 0, err
	}
	if err := fits(&e.Wire, c.codec.Shape()); err != nil {
		return 0, err
	}
	return e.Size()
}

// fits reports an error for spans that a key of the shape cannot hold: what is
// stored of them could not be read.
func fits(w *codec.Wire, shape codec.Shape) error {
	if shape == codec.ShapeString {
		_, err := w.Sole()
		return err
	}
	named := shape == codec.ShapeHash || shape == codec.ShapeSortedSet
	for i := range w.Len() {
		switch {
		case named && w.Name(i) == nil:
			return fmt.Errorf("the codec gave part %d of a %v no name", i, shape)
		case !named && w.Name(i) != nil:
			return fmt.Errorf("the codec gave element %d of a %v a name", i, shape)
		}
	}
	return nil
}
