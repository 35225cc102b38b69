package cache

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// GetOrSet returns the value of key from Redis or, if there is none, from load,
// and stores it. ErrNotFound, from load or remembered, says that the source has no
// value. Every other error of load comes back as it was, and nothing is stored.
//
// Concurrent calls for one key share one load, in the whole fleet while leases are
// on: it runs with the values of the first caller's context, but is cancelled only when nobody waits for it any more,
// or by LoadTimeout. Each caller has a value of its own. A call whose context ends
// returns at once, with an *Error that is the context's error. A panic in load
// comes out of the call that brought it; the others get an *Error of kind ErrPanic.
//
// A loader must not call GetOrSet for the key that it is loading: that is an error.
//
// A hit costs one plain read, a miss three round trips, or two where it is foreseen.
// Who waits for the load of another process asks Redis after an eighth of the time
// it has waited so far.
func (c *Cache[K, V]) GetOrSet(ctx context.Context, key K, load loader.Func[K, V], opts ...Option) (V, error) {
	m, s, v, err := c.lookup(ctx, OpGetOrSet, key, load == nil, opts)
	if m == nil {
		return v, err
	}
	return c.obtain(ctx, m, entryFunc(load), s, false)
}

// GetOrSetEntry is GetOrSet with a loader that also says how long its value is
// kept, or that it is not to be stored at all.
func (c *Cache[K, V]) GetOrSetEntry(ctx context.Context, key K, load loader.EntryFunc[K, V], opts ...Option) (V, error) {
	m, s, v, err := c.lookup(ctx, OpGetOrSet, key, load == nil, opts)
	if m == nil {
		return v, err
	}
	return c.obtain(ctx, m, load, s, false)
}

// foreseesMiss reports whether a call can do without the read: Redis will be asked more
// closely before a load. But what is there does not wait for a flight under way.
func (c *core) foreseesMiss(key string) bool {
	return c.foresight.miss(key) && !c.flights.UnderWay(key)
}

var errNoLoader = errors.New("the loader is nil")

// lookup is the part of GetOrSet that most calls do not get beyond: one plain
// read. It returns a call that has still to be answered, or nil and the answer.
func (c *Cache[K, V]) lookup(ctx context.Context, op Op, key K, noLoader bool, opts []Option) (m *call[K, V], s settings, v V, err error) {
	m, err = c.begin(op, key)
	if err != nil {
		return nil, s, v, err
	}
	s, err = settingsOf(opts)
	if err == nil && noLoader {
		err = errNoLoader
	}
	if err != nil {
		return nil, s, v, c.core.error(op, m.redisKey, nil, err)
	}
	if c.core.foreseesMiss(m.redisKey) {
		return m, s, v, nil
	}
	err = c.read(ctx, m)
	if err != nil || m.state != Present {
		m, err = c.survive(ctx, m, err)
		return m, s, v, err
	}
	c.sawLookup(ctx, m)
	v, err = c.answer(m)
	return nil, s, v, err
}

// survive returns the call that goes on after Redis was asked: unless its context
// has ended, or Redis has failed and the policy is Fail. Then the lookup is over.
func (c *Cache[K, V]) survive(ctx context.Context, m *call[K, V], err error) (*call[K, V], error) {
	if err == nil {
		return m, nil
	}
	cause := outcomeOf(err)
	err = c.core.redisError(ctx, m.op, m.redisKey, err)
	if c.core.onRedisError == Fail || !errors.Is(err, ErrRedis) {
		c.sawUnanswered(ctx, m)
		return nil, err
	}
	return c.without(m, cause), nil
}

// unanswered is the error of a lookup that Redis has failed, and that ends with it.
func (c *Cache[K, V]) unanswered(ctx context.Context, m *call[K, V], cause error) error {
	err := c.core.redisError(ctx, m.op, m.redisKey, cause)
	c.sawUnanswered(ctx, m)
	return err
}

// without returns a call that goes on without Redis, and without the memory that
// the failed command may still be using.
func (c *Cache[K, V]) without(m *call[K, V], cause WriteOutcome) *call[K, V] {
	return &call[K, V]{op: m.op, key: m.key, redisKey: m.redisKey, began: m.began, noRedis: true, cause: cause, told: m.told, changes: m.changes}
}

// Get returns the value of key if Redis has one; it never loads. ok is false, and
// the error nil, for a key that is missing as for one that the source does not
// have: Entry tells them apart. One plain read; where values may be empty and are no
// strings, a second round trip when there is no other.
func (c *Cache[K, V]) Get(ctx context.Context, key K, opts ...Option) (v V, ok bool, err error) {
	m, err := c.begin(OpGet, key)
	if err != nil {
		return v, false, err
	}
	if _, err := settingsOf(opts); err != nil {
		return v, false, c.core.error(OpGet, m.redisKey, nil, err)
	}
	err = c.read(ctx, m)
	if err == nil && m.state == Missing && !m.broken && c.core.store.HoldsEmpties() {
		err = c.look(ctx, m, false)
	}
	if err != nil {
		return v, false, c.unanswered(ctx, m, err)
	}
	c.sawLookup(ctx, m)
	v, ok = m.value, m.state == Present
	c.end(m)
	return v, ok, nil
}

// Entry returns all that Redis knows of key, without a load: the value or that the
// source has none, and the remaining life. A key that is not there gives State
// Missing and no error; beside an error of Redis the State is Unknown. One round trip.
func (c *Cache[K, V]) Entry(ctx context.Context, key K, opts ...Option) (Entry[V], error) {
	m, err := c.begin(OpEntry, key)
	if err != nil {
		return Entry[V]{}, err
	}
	if _, err := settingsOf(opts); err != nil {
		return Entry[V]{}, c.core.error(OpEntry, m.redisKey, nil, err)
	}
	if err := c.look(ctx, m, true); err != nil {
		return Entry[V]{State: Unknown, Source: None}, c.unanswered(ctx, m, err)
	}
	c.sawLookup(ctx, m)
	e := m.whole()
	c.end(m)
	return e, nil
}

// whole is what a call has found that has asked for all.
func (m *call[K, V]) whole() Entry[V] {
	e := Entry[V]{Value: m.value, State: m.state, Source: Redis}
	if m.state != Missing {
		e.TTL = m.entry.TTL
	}
	return e
}

// read sets m.state, and m.value if Present, by one plain read, which finds
// neither absent marks nor empty values. An error is one of Redis or of ctx.
func (c *Cache[K, V]) read(ctx context.Context, m *call[K, V]) error {
	return c.readSince(ctx, m, m.began)
}

// readAgain is read for a call that has waited for Redis before.
func (c *Cache[K, V]) readAgain(ctx context.Context, m *call[K, V]) error {
	ctx, cancel := context.WithDeadline(ctx, c.deadline(m))
	defer cancel()
	return c.readSince(ctx, m, time.Now())
}

func (c *Cache[K, V]) readSince(ctx context.Context, m *call[K, V], began time.Time) error {
	found, err := c.core.crowd.read(ctx, c.core.store, m.redisKey, &m.entry, began, c.deadline(m))
	switch {
	case store.IsBroken(err):
		c.sawBroken(ctx, m, err)
		return nil
	case err != nil:
		return err
	case found:
		c.decode(ctx, m)
	}
	return nil
}

// look is read in full: it also finds that the source has no value, and that the
// value is empty; with ttl, the remaining life.
func (c *Cache[K, V]) look(ctx context.Context, m *call[K, V], ttl bool) error {
	return c.looked(ctx, m, c.core.store.Inspect(ctx, c.deadline(m), m.redisKey, &m.entry, ttl))
}

// poll is look for those who wait for another's load.
func (c *Cache[K, V]) poll(ctx context.Context, m *call[K, V]) error {
	return c.looked(ctx, m, c.core.store.Probe(ctx, c.deadline(m), m.redisKey, &m.entry))
}

// looked sets m.state, and m.value if Present, by what the store has found.
func (c *Cache[K, V]) looked(ctx context.Context, m *call[K, V], err error) error {
	return c.lookedFor(ctx, m, err, func() { c.decode(ctx, m) })
}

// lookedFor is looked for who does with a value what take does.
func (c *Cache[K, V]) lookedFor(ctx context.Context, m *call[K, V], err error, take func()) error {
	switch {
	case store.IsBroken(err):
		c.sawBroken(ctx, m, err)
		return nil
	case err != nil:
		return err
	}
	switch m.entry.State {
	case store.Present:
		take()
	case store.Absent:
		m.state = Absent
	}
	return nil
}

// decode sets m.value from m.entry. Bytes that cannot be decoded count as no
// value: the next load replaces them.
func (c *Cache[K, V]) decode(ctx context.Context, m *call[K, V]) {
	var zero V
	m.value = zero
	if err := c.parse(&m.entry.Wire, &m.value); err != nil {
		m.value = zero
		c.sawBroken(ctx, m, err)
		return
	}
	m.state = Present
}

// parse decodes what Redis holds, which is not trusted: a codec that panics over it
// must not take the process along.
func (c *Cache[K, V]) parse(w *codec.Wire, v *V) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = keyspace.CodecPanic(r)
		}
	}()
	return c.codec.Decode(w, v)
}

// sawBroken tells of a broken entry, once a call.
func (c *Cache[K, V]) sawBroken(ctx context.Context, m *call[K, V], cause error) {
	if m.broken {
		return
	}
	m.broken = true
	c.core.trial.begin() // what takes its place may be as broken
	c.core.stats.broken.Add(1)
	c.core.observer.survived(ctx, c.core.error(m.op, m.redisKey, ErrDecode, cause))
}

// sawLookup tells what a call has found by itself.
func (c *Cache[K, V]) sawLookup(ctx context.Context, m *call[K, V]) {
	e := LookupEvent{Key: m.redisKey, State: m.state, Duration: c.core.lookupTime(m.began)}
	switch {
	case m.noRedis:
		e.State = Unknown
	case m.op == OpEntry && m.state != Missing:
		e.TTL = m.entry.TTL
	}
	c.core.sawLookup(ctx, e)
}

// sawUnanswered tells, unless something was told before, of a call that Redis did not
// answer. The failed command may still be using what the call reads into.
func (c *Cache[K, V]) sawUnanswered(ctx context.Context, m *call[K, V]) {
	if !m.told {
		m.told = true
		c.core.sawLookup(ctx, LookupEvent{Key: m.redisKey, State: Unknown, Duration: c.core.lookupTime(m.began)})
	}
}

// sawRequest tells, once, what the call that leads a flight has found before a load: s,
// unless Redis has failed it, with err or so that it goes on without.
func (c *Cache[K, V]) sawRequest(ctx context.Context, r *request[K, V], s State, err error) {
	if r.looked {
		return
	}
	r.looked = true
	if r.noRedis || err != nil {
		s = Unknown
	}
	c.core.sawLookup(ctx, LookupEvent{Key: r.redisKey, State: s, Duration: c.core.lookupTime(r.began)})
}

// sawFollower tells what a call has found that joined another's flight, after its own
// look had taken so long: what Redis knew, even if only the other has asked closely.
func (c *Cache[K, V]) sawFollower(ctx context.Context, m *call[K, V], f *found, err error, took time.Duration) {
	s := Missing
	switch own, _ := err.(*Error); { // not errors.As: a loader may return that of another cache
	case m.noRedis, f != nil && f.degraded, own != nil && own.Kind == ErrRedis && own.Cache == c.core.name:
		s = Unknown
	case f != nil && f.known:
		s = f.state
	}
	c.core.sawLookup(ctx, LookupEvent{Key: m.redisKey, State: s, Duration: took})
}

// lookupTime is the duration of a lookup, if anybody wants to know.
func (c *core) lookupTime(began time.Time) time.Duration {
	if c.observer.Lookup == nil {
		return 0
	}
	return time.Since(began)
}

func (c *core) sawLookup(ctx context.Context, e LookupEvent) {
	c.stats.lookup(e.State)
	if miss := e.State == Missing || e.State == Absent; e.State != Unknown && (miss || c.foresight.always()) {
		c.foresight.saw(miss, c.stats.hits.Load())
	}
	if c.observer.Lookup != nil {
		e.Source = Redis
		if e.State == Unknown {
			e.Source = None
		}
		c.observer.lookup(ctx, e)
	}
}
