package protocol

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/store"
)

var errFull = errors.New("redis has no memory for the lease of the key, nor for its value")

// acquire asks for the leases, and reads what makes them needless. It finishes the flights of
// what it has found or failed for. What is granted may be loaded here, what is busy others
// load, and what has changed meanwhile is to be asked for again.
//
// Where Redis cannot grant a lease, the load goes on without, and is not stored.
func (e *Engine) acquire(ctx context.Context, r *Run, open jobs, w *waiting) (granted, busy, retry jobs) {
	if e.Lease == Off || e.Store.Unleased() {
		return e.acquireWithoutLeases(ctx, r, open), nil, nil
	}
	asking, granted := splitDegraded(open)
	for _, j := range granted {
		e.reportLookup(ctx, j, Unknown, true)
		j.grant = e.leaseless(ctx, r, j, false)
	}
	if len(asking) == 0 {
		return granted, nil, nil
	}
	asks := make([]store.Ask, len(asking))
	for i, j := range asking {
		j.flight.Seal()
		asks[i] = store.Ask{
			Key: j.Key, Replace: j.Broken || r.Refresh || r.NoStale && j.Stale != Missing,
			AsWrite: r.Refresh && !r.background,
		}
	}
	began, deadline := asking.start()
	// A call that leaves meanwhile must not leave leases behind that nobody knows of.
	e.Store.AcquireAll(asking[0].flight.Detached(), deadline, asks, e.Lease)
	e.hold(asking, asks, began)
	if len(asking) > store.OneTrip {
		deadline = asking.deadline()
	}
	finds := e.readAcquired(ctx, r, deadline, asking, asks)
	asking.spent(began)

	var over, unused, refused jobs
	shortest := time.Duration(-1)
	for i, j := range asking {
		if e.Store.RefusesLeases(ctx, deadline, j.Key, asks[i].Err) {
			refused = append(refused, j)
			continue
		}
		status := asks[i].Answer.Status
		found, err := e.acquired(ctx, r, j, &asks[i], finds, i)
		switch {
		case r.background && err != nil:
			j.failed = true // and its followers look again
		case found || err != nil:
			j.loaded.Err = err
			over = append(over, j)
		case j.Degraded || status == store.Full:
			unused = append(unused, j)
		case status == store.Granted:
			granted = asking.add(granted, i)
		case status == store.Busy:
			j.busyFor = asks[i].Answer.Wait
			if left := j.busyFor; shortest < 0 || left < shortest {
				shortest = left
			}
			busy = append(busy, j)
		default:
			retry = append(retry, j)
		}
	}
	e.releaseSoon(unused) // the read after the grant may have failed
	for _, j := range unused {
		j.grant = e.leaseless(ctx, r, j, !j.Degraded)
		granted = append(granted, j)
	}
	e.finishAll(over)
	if len(refused) > 0 {
		granted = append(granted, e.acquireWithoutLeases(ctx, r, refused)...)
	}
	if shortest >= 0 {
		w.busy(shortest)
	}
	return granted, busy, retry
}

// acquired makes sense of the answer for a job, and reports whether j.result has what was
// found. A refresh needs a load of its own, and Redis to store that: it does not go on
// without.
func (e *Engine) acquired(ctx context.Context, r *Run, j *Job, ask *store.Ask, finds []find, i int) (found bool, err error) {
	full := ask.Err == nil && ask.Answer.Status == store.Full
	switch {
	case r.Refresh && full:
		err, _ = e.Reporter.RedisError(ctx, r.Op, j.Key, errFull)
		return false, err
	case r.Refresh && ask.Err != nil:
		err, _ = e.Reporter.RedisError(ctx, r.Op, j.Key, ask.Err)
		return false, err
	case r.Refresh:
		return false, nil
	case ask.Err != nil:
		err = e.Degrade(ctx, r, j, ask.Err)
	case ask.Answer.Status == store.HasAbsence:
		found = e.foundAbsence(r, j, ask.Answer.TTL)
	case ask.Answer.Status == store.Granted && j.Stale == Absent:
		if state, ttl := ask.Answer.Lease.Beside(); state == store.Absent {
			found = e.foundAbsence(r, j, ttl)
		}
	case finds != nil && finds[i].entry != nil:
		found, err = e.found(ctx, r, j, finds[i])
	case ask.Answer.Status == store.Granted && !ask.Replace && ask.Answer.Lease.HadValue():
		e.reportBroken(ctx, r, j, store.ErrWrongType) // reads of many keys may take it for nothing
	}
	j.result.FromRedis = found
	e.reportLookup(ctx, j, j.result.lookupState(), err != nil)
	return found, err
}

// foundAbsence is found for an absence that still stands for so long.
func (e *Engine) foundAbsence(r *Run, j *Job, ttl time.Duration) (found bool) {
	if r.NoStale && e.IsStale(ttl) {
		j.Stale = Absent
		return false
	}
	j.result = Result{State: Absent, Stale: e.IsStale(ttl), TTL: ttl}
	return true
}

// hasFresh reports whether a lease was granted beside a value that is not the stale one which
// the call has found.
func (e *Engine) hasFresh(j *Job, l *store.Lease) bool {
	state, ttl := l.Beside()
	return j.Stale != Missing && state == store.Present && !e.IsStale(ttl)
}

// readAcquired reads the values that the answers say are there. It returns a find for each
// job, without an entry where there is nothing to read, or nil for none at all.
func (e *Engine) readAcquired(ctx context.Context, r *Run, deadline time.Time, asking jobs, asks []store.Ask) (finds []find) {
	if r.Refresh {
		return nil
	}
	var there jobs
	var at []int
	for i, j := range asking {
		if asks[i].Err != nil {
			continue
		}
		switch status := asks[i].Answer.Status; {
		case status == store.HasEmpty, status == store.HasValue && asks[i].Answer.Value != nil:
			entry := e.entry()
			entry.Wire.Reset(j.Key)
			if value := asks[i].Answer.Value; value != nil {
				entry.Wire.Add(nil, value)
			}
			entry.State, entry.TTL = store.Present, asks[i].Answer.TTL
			finds = findsFor(finds, asking)
			finds[i].entry = entry
		case status == store.HasValue, status == store.Granted && (j.Broken || e.hasFresh(j, asks[i].Answer.Lease)):
			// A broken or stale entry may have been replaced before the lease was granted.
			j.flight.Seal()
			there, at = append(there, j), append(at, i)
		}
	}
	if len(there) > 0 {
		finds = findsFor(finds, asking)
		for n, found := range e.readAll(ctx, deadline, there) {
			finds[at[n]] = found
		}
	}
	return finds
}

func findsFor(finds []find, all jobs) []find {
	if finds == nil {
		finds = make([]find, len(all))
	}
	return finds
}

// leaseless is the grant of a load for which there is no lease, as Redis has failed or is
// full: the load is not stored.
func (e *Engine) leaseless(ctx context.Context, r *Run, j *Job, full bool) grant {
	g := grant{unproven: !j.startedDegraded, why: j.DegradedBy}
	if full && !j.Degraded {
		g.why = OutOfMemory
		_, _ = e.Reporter.RedisError(ctx, r.Op, j.Key, errFull) // which the observer hears of
	}
	return g
}

// acquireWithoutLeases grants all loads for which nothing is found where the keys may have
// been filled since the call looked. With leases it has only looked for a value, and there are
// none, as Redis refuses what they need.
func (e *Engine) acquireWithoutLeases(ctx context.Context, r *Run, open jobs) (granted jobs) {
	var changed jobs
	for _, j := range open {
		if !r.Refresh && !j.Degraded && (e.Lease != Off || e.flights.ChangedSince(j.Key, j.changes)) {
			j.flight.Seal()
			changed = append(changed, j)
		}
	}
	if len(changed) > 0 {
		began, deadline := changed.start()
		finds := e.probeAll(ctx, deadline, changed)
		changed.spent(began)
		for i, j := range changed {
			found, err := e.found(ctx, r, j, finds[i])
			j.result.FromRedis = found
			e.reportLookup(ctx, j, j.result.State, err != nil)
			if found || err != nil {
				j.finishFound(err)
			}
		}
		open = open.unfinished()
	}
	for _, j := range open {
		if j.Degraded && e.Lease != Off {
			e.reportLookup(ctx, j, Unknown, true)
			j.grant = e.leaseless(ctx, r, j, false)
			continue
		}
		j.grant = grant{why: j.DegradedBy}
		if !j.Degraded {
			if e.Lease != Off {
				e.unleased.Add(1)
			}
			j.grant = grant{committer: e.Store.Leaseless(j.Key)}
			if r.Refresh && !r.background {
				j.grant.committer = e.Store.Unconditional(j.Key)
			}
		}
	}
	return open
}
