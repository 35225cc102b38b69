package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

var errFull = errors.New("redis has no memory for the lease of the key, nor for its value")

// permitLeased is permit with leases: it returns with one, or with what another
// process has loaded meanwhile. Where Redis cannot grant any, the load goes on
// without, and is not stored.
func (c *Cache[K, V]) permitLeased(ctx context.Context, f *flight.Flight[*found], r *request[K, V]) (p permission, seen *found, err error) {
	permitted, placed := false, false // placed: under MaxLoads
	defer func() {
		if permitted { // not so after an error, nor a panic of foreign code
			return
		}
		p.tenure.release(r.until())
		if placed {
			c.core.leave()
		}
	}()
	var w wait
	for {
		claim, seen, err := c.claim(ctx, f, r, &p)
		if seen != nil || err != nil {
			return p, seen, err
		}
		if err := ctx.Err(); err != nil { // nobody waits any more
			return p, nil, err
		}
		switch {
		case r.noRedis || claim.Status == store.Full:
			p.tenure.releaseSoon() // the read after the grant may have failed
			p = c.leaseless(ctx, &r.task, claim)
			if !placed {
				err = c.core.enter(ctx, f)
			}
			permitted = err == nil
			return p, nil, err
		case claim.Status == store.Busy:
			if placed {
				c.core.leave()
				placed = false
			}
			w.busy(claim.Wait)
			if seen, err := c.await(ctx, f, r, &w); seen != nil || err != nil {
				return p, seen, err
			}
		case claim.Status == store.Granted:
			if placed || c.core.tryEnter() {
				permitted = true
				return p, nil, nil
			}
			// Another process may have room: the lease is not kept for the time of a queue.
			r.spend(func() { p.tenure.release(r.until()) })
			p = permission{}
			if err := c.core.enter(ctx, f); err != nil {
				return p, nil, err
			}
			placed = true
		}
	}
}

// leaseless is the permission of a load for which there is no lease, as Redis has failed or
// has no memory for one: the load is not stored.
func (c *Cache[K, V]) leaseless(ctx context.Context, t *task, claim store.Acquired) permission {
	p := permission{unproven: !t.without, why: t.cause}
	if claim.Status == store.Full && !t.noRedis {
		p.why = WriteOutOfMemory
		_ = c.core.redisError(ctx, t.op, t.redisKey, errFull) // which the observer hears of
	}
	return p
}

// claim asks for the lease, and reads what makes it needless. A claim that is none of
// the three says that the key has changed meanwhile: ask again. p has the lease from the
// moment that it was granted.
func (c *Cache[K, V]) claim(ctx context.Context, f *flight.Flight[*found], r *request[K, V], p *permission) (claim store.Acquired, seen *found, err error) {
	if r.noRedis {
		c.sawRequest(ctx, r, Unknown, nil)
		return claim, nil, nil
	}
	f.Seal()
	m := c.callOf(r)
	// Who leaves meanwhile must not leave a lease behind that nobody knows of.
	claim, err = c.core.store.Acquire(context.WithoutCancel(ctx), c.deadline(m), r.redisKey, c.core.lease, r.refresh || r.broken)
	switch {
	case err != nil:
		c.core.abandon(claim.Lease)
	case claim.Status == store.Granted:
		*p = permission{tenure: c.core.hold(claim.Lease)[0], target: claim.Lease}
	case claim.Status == store.Full && r.refresh:
		err = errFull
	}
	if err != nil && r.refresh {
		return claim, nil, c.core.redisError(ctx, r.op, r.redisKey, err)
	}
	switch {
	case err != nil:
	case claim.Status == store.HasEmpty:
		m.entry.Wire.Reset(r.redisKey)
		c.decode(ctx, m)
	case claim.Status == store.HasAbsence:
		m.state = Absent
	case claim.Status == store.HasValue, claim.Status == store.Granted && r.broken && !r.refresh:
		// A broken entry may have been replaced before the lease was granted.
		f.Seal()
		err = c.readAgain(ctx, m)
	case claim.Status == store.Granted && claim.Lease.HadValue() && !r.refresh:
		c.sawBroken(ctx, m, store.ErrWrongType) // the call has not read, or has polled
	}
	seen, err = c.seen(ctx, r, m, err)
	if seen != nil {
		seen.known = true
	}
	c.sawRequest(ctx, r, m.state, err)
	c.endUnseen(r, m, seen, err)
	return claim, seen, err
}

// await waits while another process loads, until there is something to be had: what
// it has found, or the lease. A lease that should have ended by now is asked for anew: it
// was renewed, or the server's clock has gone back, and the question shortens it then. A
// refresh needs a load of its own, and only waits a turn.
func (c *Cache[K, V]) await(ctx context.Context, f *flight.Flight[*found], r *request[K, V], w *wait) (*found, error) {
	for {
		select {
		case <-time.After(w.next()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		r.patience = c.core.redisTimeout // the time was the load's, not Redis's
		if r.refresh {
			return nil, nil
		}
		f.Seal()
		m := c.callOf(r)
		seen, err := c.seen(ctx, r, m, c.poll(ctx, m))
		if seen != nil || err != nil || r.noRedis { // a poll that has failed may still use m
			return seen, err
		}
		leased := m.entry.Leased
		c.end(m)
		if !leased || w.lapsed() {
			return nil, nil
		}
	}
}

// A wait is the time for which a flight waits for the load of another process.
type wait struct {
	began  time.Time // zero before the first
	lapses time.Time // when the other's lease ends, unless it is renewed
}

// busy notes that the other's lease has so much of its life left.
func (w *wait) busy(life time.Duration) {
	now := time.Now()
	if w.began.IsZero() {
		w.began = now
	}
	w.lapses = now.Add(life)
}

// lapsed reports whether the other's lease has outlived the life that it had left.
func (w *wait) lapsed() bool { return time.Now().After(w.lapses) }

const (
	minPause = 2 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

// next returns how long to wait before Redis is asked again: about an eighth of the
// time waited so far, so that a short load is found to have ended within
// milliseconds, and a long one costs a few commands a second. The end of a dead
// process's lease is not slept through.
func (w *wait) next() time.Duration {
	d := min(max(time.Since(w.began)/8, minPause), maxPause)
	d += time.Duration((rand.Float64() - 0.5) / 2 * float64(d)) // so that processes do not ask in step
	if left := time.Until(w.lapses); left >= 0 {
		d = min(d, left+time.Millisecond)
	}
	return d
}
