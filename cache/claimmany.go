package cache

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// claimMany asks for the leases, and reads what makes them needless. It ends the flights
// of what it has found or failed for. What may be loaded here is mine, what others load is
// theirs, and what has changed meanwhile is to be asked for again.
func (c *Cache[K, V]) claimMany(ctx context.Context, open crew[K, V], w *wait) (mine, others, again crew[K, V]) {
	if c.core.lease == Off {
		return c.claimAlone(ctx, open), nil, nil
	}
	var asked crew[K, V]
	for _, m := range open {
		if m.noRedis {
			c.sawRequest(ctx, m.request, Unknown, nil)
			m.p = c.leaseless(ctx, &m.task, store.Acquired{})
			mine = append(mine, m)
			continue
		}
		m.f.Seal()
		asked = append(asked, m)
	}
	if len(asked) == 0 {
		return mine, nil, nil
	}
	asks := make([]store.Ask, len(asked))
	for i, m := range asked {
		asks[i] = store.Ask{Key: m.redisKey, Replace: m.broken}
	}
	calls := c.callsOf(asked)
	// Who leaves meanwhile must not leave leases behind that nobody knows of.
	c.core.store.AcquireAll(context.WithoutCancel(ctx), asked.until(), asks, c.core.lease)
	claims, errs := make([]store.Acquired, len(asks)), make([]error, len(asks))
	for i, ask := range asks {
		claims[i], errs[i] = ask.Answer, ask.Err
	}
	c.holdAll(asked, claims, errs)
	c.readClaimed(ctx, asked, calls, claims, errs)
	lapse := time.Duration(-1)
	var over []landing[K, V]
	var unused []*tenure
	for i, m := range asked {
		claim := claims[i]
		seen, err := c.seen(ctx, m.request, calls[i], errs[i])
		if seen != nil {
			seen.known = true
		}
		c.sawRequest(ctx, m.request, calls[i].state, err)
		c.endUnseen(m.request, calls[i], seen, err)
		switch {
		case seen != nil || err != nil:
			over = append(over, landing[K, V]{m, seen, err})
		case m.noRedis || claim.Status == store.Full:
			unused = append(unused, m.p.tenure)
			m.p = c.leaseless(ctx, &m.task, claim)
			mine = append(mine, m)
		case claim.Status == store.Granted:
			mine = append(mine, m)
		case claim.Status == store.Busy:
			if lapse < 0 || claim.Wait < lapse {
				lapse = claim.Wait
			}
			others = append(others, m)
		default:
			again = append(again, m)
		}
	}
	c.core.releaseSoon(unused)
	c.landAll(over)
	if lapse >= 0 {
		w.busy(lapse)
	}
	return mine, others, again
}

// callsOf returns calls with which the flights ask Redis together.
func (c *Cache[K, V]) callsOf(all crew[K, V]) []*call[K, V] {
	calls := make([]*call[K, V], len(all))
	for i, m := range all {
		calls[i] = c.callOf(m.request)
	}
	return calls
}

// holdAll begins the tenures of the leases that were granted.
func (c *Cache[K, V]) holdAll(asked crew[K, V], claims []store.Acquired, errs []error) {
	var leases []*store.Lease
	var holders crew[K, V]
	for i, m := range asked {
		switch {
		case errs[i] != nil:
			c.core.abandon(claims[i].Lease)
		case claims[i].Status == store.Granted:
			leases, holders = append(leases, claims[i].Lease), append(holders, m)
		}
	}
	for i, t := range c.core.hold(leases...) {
		holders[i].p = permission{tenure: t, target: leases[i]}
	}
}

// readClaimed sets the calls by what the claims say is there.
func (c *Cache[K, V]) readClaimed(ctx context.Context, asked crew[K, V], calls []*call[K, V], claims []store.Acquired, errs []error) {
	var there []*call[K, V]
	var at []int
	for i, m := range asked {
		call := calls[i]
		switch claim := claims[i]; {
		case errs[i] != nil:
		case claim.Status == store.HasEmpty:
			call.entry.Wire.Reset(m.redisKey)
			c.decode(ctx, call)
		case claim.Status == store.HasAbsence:
			call.state = Absent
		case claim.Status == store.HasValue, claim.Status == store.Granted && m.broken:
			m.f.Seal()
			there, at = append(there, call), append(at, i)
		case claim.Status == store.Granted && claim.Lease.HadValue():
			c.sawBroken(ctx, call, store.ErrWrongType) // reads of many keys may take it for nothing
		}
	}
	for n, err := range c.readMany(ctx, there) {
		errs[at[n]] = err
	}
}

// claimAlone is claimMany without leases, see permitAlone.
func (c *Cache[K, V]) claimAlone(ctx context.Context, open crew[K, V]) (mine crew[K, V]) {
	var changed crew[K, V]
	for _, m := range open {
		if !m.noRedis && c.core.flights.Changes(m.redisKey) != m.changes {
			m.f.Seal()
			changed = append(changed, m)
		}
	}
	calls := c.callsOf(changed)
	errs := c.lookMany(ctx, calls)
	for i, m := range changed {
		seen, err := c.seen(ctx, m.request, calls[i], errs[i])
		c.endUnseen(m.request, calls[i], seen, err)
		if seen != nil || err != nil {
			m.land(seen, err)
		}
	}
	mine = open.underWay()
	for _, m := range mine {
		m.p = c.unleased(&m.task)
	}
	return mine
}

// awaitMany is await for many keys. It ends the flights of what others have loaded, and
// returns those to ask for again: once there are any, which includes leases that should have
// ended, or, while something is loaded here, when that has ended.
func (c *Cache[K, V]) awaitMany(ctx context.Context, others crew[K, V], w *wait, loaded <-chan struct{}) (open crew[K, V]) {
	for len(others) > 0 && (loaded != nil || len(open) == 0) {
		select {
		case <-time.After(w.next()):
		case <-loaded:
			return append(open, others...)
		case <-ctx.Done():
			return append(open, others...)
		}
		for _, m := range others {
			m.patience = c.core.redisTimeout // the time was the load's, not Redis's
			m.f.Seal()
		}
		calls := c.callsOf(others)
		errs := c.lookMany(ctx, calls)
		var leased crew[K, V]
		for i, m := range others {
			seen, err := c.seen(ctx, m.request, calls[i], errs[i])
			switch {
			case seen != nil || err != nil:
				m.land(seen, err)
			case m.noRedis || !calls[i].entry.Leased, loaded == nil && w.lapsed():
				open = append(open, m)
			default:
				leased = append(leased, m)
			}
			c.endUnseen(m.request, calls[i], seen, err)
		}
		others = leased
	}
	return append(open, others...)
}
