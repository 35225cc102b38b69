package cache

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// fly is what a flight does: find out whether a load is needed and permitted, load,
// store. r is its own.
func (c *Cache[K, V]) fly(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) (*found, error) {
	for loads := 1; ; loads++ {
		p, seen, err := c.permit(ctx, f, r)
		if seen != nil || err != nil {
			return seen, err
		}
		seen, refused, err := c.loadAndStore(ctx, f, r, p)
		switch {
		case err != nil || !refused:
			return seen, err
		case r.refresh && seen.unstored == nil && loads == maxTurns:
			// Nobody can say whether what is there now is newer.
			if _, err := c.core.store.Leaseless(r.redisKey).StoreNothing(ctx, r.until()); err != nil {
				seen.unstored = c.core.redisError(ctx, r.op, r.redisKey, err)
			}
			fallthrough
		case !r.refresh || seen.unstored != nil:
			f.Refuse()
			return seen, nil
		}
		f.Restart() // what a refresh is asked for is still to be done
	}
}

// A permission is what a load has that may begin: its place under MaxLoads, and
// where it may store.
type permission struct {
	tenure   *tenure         // nil: no lease
	target   store.Committer // nil: nowhere
	unproven bool            // Redis does not say whether the result is older than a write
	why      WriteOutcome    // without a target: for which nothing can be stored
}

// permit returns the permission to load, or what makes a load needless.
func (c *Cache[K, V]) permit(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) (p permission, seen *found, err error) {
	if c.core.lease == Off {
		return c.permitAlone(ctx, f, r)
	}
	return c.permitLeased(ctx, f, r)
}

// permitAlone is permit without leases. It looks again if the key may have been
// filled since the call looked.
func (c *Cache[K, V]) permitAlone(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) (p permission, seen *found, err error) {
	if !r.refresh && !r.noRedis && c.core.flights.Changes(r.redisKey) != r.changes {
		f.Seal()
		m := c.callOf(r)
		seen, err := c.seen(ctx, r, m, c.look(ctx, m, false))
		c.endUnseen(r, m, seen, err)
		if seen != nil || err != nil {
			return p, seen, err
		}
	}
	return c.unleased(&r.task), nil, c.core.enter(ctx, f)
}

// unleased is the permission of a load that needs no lease.
func (c *Cache[K, V]) unleased(t *task) permission {
	if t.noRedis {
		return permission{why: t.cause}
	}
	return permission{target: c.core.store.Leaseless(t.redisKey)}
}

// callOf returns a call with which the flight of r asks Redis, within what is left
// of its patience.
func (c *Cache[K, V]) callOf(r *request[K, V]) *call[K, V] {
	m := c.idle()
	m.op, m.key, m.redisKey, m.broken = r.op, r.key, r.redisKey, r.broken
	m.began = time.Now().Add(r.patience - c.core.redisTimeout)
	m.told = true // by the flight, see sawRequest
	return m
}

// seen returns what m has found in the name of r, nil for nothing; err is that of
// asking. Without Redis the flight goes on if the policy says so.
func (c *Cache[K, V]) seen(ctx context.Context, r *request[K, V], m *call[K, V], err error) (*found, error) {
	r.patience = time.Until(c.deadline(m))
	m, err = c.survive(ctx, m, err)
	if err != nil {
		return nil, err
	}
	r.noRedis, r.cause, r.broken = m.noRedis, m.cause, m.broken
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

// endUnseen ends the call with which r has asked, if that has found nothing to hand on and
// Redis has done with it.
func (c *Cache[K, V]) endUnseen(r *request[K, V], m *call[K, V], seen *found, err error) {
	if seen == nil && err == nil && !r.noRedis {
		c.end(m)
	}
}

// loadAndStore ends a flight by a load. refused tells that the result may be older
// than some who wait for it.
func (c *Cache[K, V]) loadAndStore(ctx context.Context, f *flight.Flight[*found], r *request[K, V], p permission) (seen *found, refused bool, err error) {
	defer func() { p.tenure.release(r.until()) }()
	e, err := c.load(ctx, f, r, p.tenure)
	switch {
	case errors.Is(err, ErrNotFound):
		r.err = err
		seen = &found{state: Absent, degraded: r.noRedis}
		seen.unstored, refused = c.core.settle(ctx, f, &r.task, p, c.absence(r, p))
		return seen, refused, nil
	case err != nil:
		return nil, false, err
	}
	seen = &found{state: Present, entry: new(store.Entry), degraded: r.noRedis}
	w, err := c.presence(ctx, f, r, p, seen.entry, e)
	if err != nil {
		return nil, false, err
	}
	seen.unstored, refused = c.core.settle(ctx, f, &r.task, p, w)
	return seen, refused, nil
}

// A filling is what a load has to store, if anything, and what to tell of it.
type filling struct {
	store.Commit // without a target: nothing
	event        WriteEvent
}

// presence is the filling of a loaded value, which it encodes into entry and hands to r.
func (c *Cache[K, V]) presence(ctx context.Context, f *flight.Flight[*found], r *request[K, V], p permission, entry *store.Entry, e loader.Entry[V]) (w filling, err error) {
	c.core.stats.loaded.Add(1)
	r.value = e.Value
	w.event = WriteEvent{Op: r.op, Key: r.redisKey, State: Present}
	size, err := c.encodeLoaded(entry, r.redisKey, &e.Value, f.Callers())
	if err == nil && c.core.decoded {
		r.value, err = c.prove(entry)
	}
	if err != nil {
		own := c.core.error(r.op, r.redisKey, ErrEncode, err)
		c.core.observer.survived(ctx, own)
		c.core.sawFilling(ctx, w.event, notEncoded(err), own)
		return w, own
	}
	w.event.Bytes = size
	ttl, alive := c.lifetime(r.settings, e.TTL, r.key, &e.Value)
	switch {
	case e.NoStore:
		return c.nothing(r, p, w.event, WriteNoStore), nil
	case !alive:
		return c.nothing(r, p, w.event, WriteExpired), nil
	}
	w.Commit = store.Commit{Committer: p.target, State: store.Present, Entry: entry, TTL: ttl}
	w.event.TTL = ttl
	return w, nil
}

// absence is the filling of the knowledge that the source has no value.
func (c *Cache[K, V]) absence(r *request[K, V], p permission) (w filling) {
	c.core.stats.loaded.Add(1)
	w.event = WriteEvent{Op: r.op, Key: r.redisKey, State: Absent}
	ttl, remembered := c.core.absentTTL()
	if !remembered {
		return c.nothing(r, p, w.event, WriteAbsentOff)
	}
	w.Commit = store.Commit{Committer: p.target, State: store.Absent, TTL: ttl}
	w.event.TTL = ttl
	return w
}

// nothing is the filling of a load that has nothing to store, for a reason. It removes what
// a refresh was to replace; with a lease it proves that the result is no older than a
// write.
func (c *Cache[K, V]) nothing(r *request[K, V], p permission, event WriteEvent, why WriteOutcome) (w filling) {
	if p.tenure != nil || r.refresh || r.broken {
		w.Committer = p.target
	}
	event.Outcome = why
	w.event = event
	return w
}

// settle ends a load that has a result: w is sent, unless a write of the key came
// after the load began. unstored says that Redis has failed to store it, which only a
// refresh minds: it is asked for its effect, all others have their value.
func (c *core) settle(ctx context.Context, f *flight.Flight[*found], t *task, p permission, w filling) (unstored error, refused bool) {
	if !c.mayStore(ctx, f, w) {
		p.tenure.releaseSoon()
		return nil, false
	}
	if w.Committer == nil {
		c.sawFilling(ctx, w.event, p.why, nil)
		return nil, p.unproven
	}
	// Who leaves from here on must not leave a store behind that a write does not
	// know to have ended.
	ctx = context.WithoutCancel(ctx)
	stored, err := true, error(nil)
	t.spend(func() {
		if p.tenure == nil {
			_, err = w.Send(ctx, t.until())
			f.Settled()
			return
		}
		f.Settled() // Redis itself refuses the store after a write
		stored, err = p.tenure.store(func() (bool, error) { return w.Send(ctx, t.until()) })
	})
	return c.settled(ctx, t, p, w, stored, err)
}

// mayStore announces the store of w. Where that is not to be, the flight knows that its
// result is refused, and the lease is to be given back: the write may fail to end it, but
// nobody has to wait for that.
func (c *core) mayStore(ctx context.Context, f *flight.Flight[*found], w filling) bool {
	if f.SealStore() {
		return true
	}
	why := WriteCancelled
	if f.Wanted() {
		why = WriteFenced
	}
	c.sawFilling(ctx, w.event, why, nil)
	return false
}

// settled tells what has become of a store that was sent.
func (c *core) settled(ctx context.Context, t *task, p permission, w filling, stored bool, err error) (unstored error, refused bool) {
	switch {
	case err != nil:
		unstored = c.redisError(ctx, t.op, t.redisKey, store.Sized(err, w.event.Bytes))
		c.sawFilling(ctx, w.event, outcomeOf(err), unstored)
		return unstored, p.tenure != nil
	case !stored:
		c.sawFilling(ctx, w.event, WriteFenced, nil)
		return nil, true
	}
	c.sawFilling(ctx, w.event, WriteOK, nil)
	return nil, false
}

// sawFilling tells, once for each result of a loader, what has become of it: o, unless
// there was nothing to store from the start.
func (c *core) sawFilling(ctx context.Context, e WriteEvent, o WriteOutcome, err error) {
	if e.Outcome == WriteOK {
		e.Outcome, e.Err = o, err
	}
	c.stats.fillings[e.Outcome].Add(1)
	if e.Outcome == WriteOK {
		c.stats.stores.Add(1)
	}
	c.observer.write(ctx, e)
}
