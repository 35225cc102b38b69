package cache

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// maxTurns is how often a call joins a flight that may turn it away, and how often a
// refresh loads whose store is refused: a key that is written all the time must not keep
// anybody waiting for ever.
const maxTurns = 3

// A request is a call as its flight sees it. The flight may outlive the call, so
// that the two share no memory; the call reads the result when the flight has
// ended.
type request[K comparable, V any] struct {
	task
	key   K
	load  loader.EntryFunc[K, V]
	value V     // what the flight found for the call itself
	err   error // ErrNotFound, as the loader said it
}

// A task is the part of a request that does not depend on its types.
type task struct {
	op       Op
	redisKey string
	settings settings
	began    time.Time     // the call
	looked   bool          // the observer knows what the call has found
	changes  uint64        // of the key when the call looked, see flight.Group.Changes
	patience time.Duration // how long the flight may still wait for Redis
	noRedis  bool          // Redis has failed: go on without
	cause    WriteOutcome  // with noRedis: why nothing can be stored
	without  bool          // it had failed before the flight began
	broken   bool          // the key holds what cannot be decoded
	refresh  bool          // load in any case, and insist on the store
}

// until is how long the flight may wait for what it asks Redis now.
func (t *task) until() time.Time { return time.Now().Add(t.patience) }

// spend takes the time of what asks Redis from the patience.
func (t *task) spend(ask func()) {
	began := time.Now()
	ask()
	t.patience -= time.Since(began)
}

// found is what a flight has found, in the form that all callers can share.
type found struct {
	state    State
	entry    *store.Entry
	known    bool  // Redis knew it: nobody had to load
	degraded bool  // it was loaded without Redis, which had failed
	unstored error // Redis has not stored it, which only a refresh minds
}

// obtain answers a call whose read found no value: by a closer look or by a load,
// its own or one that is under way. A refresh does without the look. It ends the
// call.
func (c *Cache[K, V]) obtain(ctx context.Context, m *call[K, V], load loader.EntryFunc[K, V], s settings, refresh bool) (V, error) {
	var none V
	if c.core.flights.Obtaining(ctx, m.redisKey) || c.core.outage.Obtaining(ctx, m.redisKey) {
		return none, c.flightError(ctx, m, flight.Led, flight.ErrReentrant)
	}
	m.told = m.told || refresh
	for turn := 0; ; turn++ {
		m.changes = c.core.flights.Changes(m.redisKey)
		if !refresh {
			var err error
			if m, err = c.lookBefore(ctx, m, turn); err != nil {
				return none, err
			}
			if !m.told && (m.state != Missing || c.core.lease == Off) {
				c.sawLookup(ctx, m)
				m.told = true
			}
			if m.state != Missing {
				return c.answer(m)
			}
		}
		r := new(request[K, V])
		*r = c.request(m, load, s)
		r.refresh = refresh
		waited := time.Since(m.began)
		f, outcome, err := c.join(m, turn, refresh)(ctx, m.redisKey, func(ctx context.Context, f *flight.Flight[*found]) (*found, error) {
			return c.fly(ctx, f, r)
		})
		if !m.told && outcome != flight.Led && outcome != flight.TurnedAway {
			c.sawFollower(ctx, m, f, err, waited)
			m.told = true
		}
		switch {
		case err != nil:
			return none, c.flightError(ctx, m, outcome, err)
		case refresh && f != nil && f.unstored != nil:
			return none, c.flightError(ctx, m, outcome, f.unstored)
		case outcome == flight.Led:
			c.end(m)
			return r.value, r.err
		case outcome == flight.Shared:
			v, err := c.share(ctx, m, f)
			c.end(m)
			return v, err
		}
		m.began = time.Now().Add(-waited) // the wait for the flight was none for Redis
	}
}

// join returns how the call joins a flight of its key. Calls that Redis has failed share
// loads of their own: nobody can say whether these are older than a write, and a call
// that Redis answers must not share them. Among these also joins, for the last time, a call
// that was turned away again and again: the flight that begins next, and so turns none
// of those away for whom it begins.
func (c *Cache[K, V]) join(m *call[K, V], turn int, refresh bool) func(context.Context, string, flight.Func[*found]) (*found, flight.Outcome, error) {
	switch {
	case refresh:
		return c.core.flights.Refresh
	case turn == maxTurns-1:
		return c.core.outage.Refresh
	case m.noRedis && c.core.lease != Off:
		return c.core.outage.Do
	}
	return c.core.flights.Do
}

// lookBefore looks before a call joins a flight, unless Redis has failed the call
// already, and returns the call to go on with. With leases the flight itself looks
// closely; then only a call that was turned away looks again, and one that would have to
// wait for a refresh looks whether it must.
func (c *Cache[K, V]) lookBefore(ctx context.Context, m *call[K, V], turn int) (*call[K, V], error) {
	switch {
	case m.noRedis:
		return m, nil
	case c.core.lease == Off && turn == 0:
		err := c.core.crowd.look(ctx, c.core.store, m.redisKey, &m.entry, c.deadline(m), c.core.redisTimeout)
		return c.survive(ctx, m, c.looked(ctx, m, err))
	case turn > 0 || c.core.flights.Refreshing(m.redisKey):
		err := c.core.crowd.poll(ctx, c.core.store, m.redisKey, &m.entry, c.deadline(m), c.core.redisTimeout)
		return c.survive(ctx, m, c.looked(ctx, m, err))
	}
	return m, nil
}

func (c *Cache[K, V]) request(m *call[K, V], load loader.EntryFunc[K, V], s settings) request[K, V] {
	return request[K, V]{key: m.key, load: load, task: task{
		op: m.op, redisKey: m.redisKey, settings: s, began: m.began,
		looked: m.told, changes: m.changes,
		patience: time.Until(c.deadline(m)), noRedis: m.noRedis, cause: m.cause, without: m.noRedis, broken: m.broken,
	}}
}

// answer ends a call with what it has found itself.
func (c *Cache[K, V]) answer(m *call[K, V]) (V, error) {
	v, state := m.value, m.state
	c.end(m)
	if state == Absent {
		return v, ErrNotFound
	}
	return v, nil
}

// share returns what another's flight has found for a call. Each caller decodes a
// value of its own, so that none sees what another does to its value.
func (c *Cache[K, V]) share(ctx context.Context, m *call[K, V], f *found) (V, error) {
	var none V
	c.core.stats.shared.Add(1)
	if f.state == Absent {
		return none, ErrNotFound
	}
	m.entry.Alias(f.entry)
	m.value = none
	if err := c.parse(&m.entry.Wire, &m.value); err != nil {
		c.core.trial.begin()
		kind := ErrEncode // the load has encoded what cannot be decoded
		if f.known {
			kind = ErrDecode
		}
		err := c.core.error(m.op, m.redisKey, kind, err)
		c.core.observer.survived(ctx, err)
		return none, err
	}
	return m.value, nil
}

var errReentrant = errors.New("the loader asks its own cache for the key that it is loading, and would wait for itself: ask the source instead")

// flightError puts an error of a flight into the words of the cache. A loader's
// own error comes back as it was.
func (c *Cache[K, V]) flightError(ctx context.Context, m *call[K, V], outcome flight.Outcome, err error) error {
	if outcome == flight.Shared {
		c.core.stats.shared.Add(1)
	}
	panicked, _ := err.(*flight.PanicError) // not errors.As: a loader may return that of another cache
	left, _ := err.(*flight.LeftError)
	switch {
	case err == flight.ErrClosed:
		return c.core.error(m.op, m.redisKey, ErrClosed, nil)
	case err == flight.ErrReentrant:
		return c.core.error(m.op, m.redisKey, nil, errReentrant)
	case panicked != nil:
		return c.core.error(m.op, m.redisKey, ErrPanic, panicked)
	case left != nil:
		return c.core.leftError(ctx, m.op, m.redisKey, left)
	case err == ctx.Err():
		return c.core.contextError(ctx, m.op, m.redisKey)
	}
	return err
}
