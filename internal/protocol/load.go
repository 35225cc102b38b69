package protocol

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// maxAttempts is how often a call joins a flight that may not be for it, and how often a
// refresh loads whose store is refused: a key that is written all the time must not keep
// anybody waiting for ever.
const maxAttempts = 3

// Load finds what Redis has for the jobs, or loads it, by flights of their own or those that
// are under way. It sets the End of each job. A panic of the loader that the call has
// brought, or runtime.Goexit, is repeated.
func (e *Engine) Load(ctx context.Context, r *Run) {
	r.caller = ctx
	open := jobs(r.Jobs)
	for attempt := 0; len(open) > 0; attempt++ {
		open = e.lookFirst(ctx, r, open, attempt)
		open = e.join(ctx, r, open, attempt)
	}
}

// UnderWay reports whether a flight loads the key.
func (e *Engine) UnderWay(key string) bool { return e.flights.UnderWay(key) }

// lookFirst looks what there is before the jobs join flights, and returns those that are
// still open. With leases the flight itself looks closely; then only a call looks that came
// too late for a flight, that would have to wait for a refresh, or whose key has an error that is
// remembered.
func (e *Engine) lookFirst(ctx context.Context, r *Run, all jobs, attempt int) (open jobs) {
	var unsure jobs
	nested := e.isNested(ctx)
	for i, j := range all {
		if ended, looks := e.beforeLook(ctx, r, j, attempt, nested); looks {
			unsure = all.add(unsure, i)
		} else if !ended {
			open = all.add(open, i)
		}
	}
	if len(unsure) == 0 {
		return open
	}
	finds := e.probeFirst(ctx, unsure, attempt)
	for i, j := range unsure {
		found, err := e.found(ctx, r, j, finds[i])
		switch {
		case found:
			j.result.FromRedis = true
			e.reportLookup(ctx, j, j.result.lookupState(), false)
			j.End.Result = &j.result
		case err != nil:
			e.reportLookup(ctx, j, Unknown, true)
			j.End.Err = err
		case e.endsRemembered(ctx, j):
		default:
			if e.Lease == Off {
				e.reportLookup(ctx, j, Missing, false)
			}
			open = unsure.add(open, i)
		}
	}
	return open
}

// isNested reports whether ctx is used in the function of a flight.
func (e *Engine) isNested(ctx context.Context) bool {
	return e.flights.Nested(ctx) || e.degraded.Nested(ctx) || e.audits != nil && e.audits.Nested(ctx)
}

// beforeLook reports whether a job has ended, with an error, or a look is to come before it joins
// a flight. A call that is nested may wait for itself.
func (e *Engine) beforeLook(
	ctx context.Context, r *Run, j *Job, attempt int, nested bool,
) (ended, looks bool) {
	if looked := j.looked && attempt == 0; !looked && e.Lease == Off {
		j.changes = e.flights.Changes()
	}
	if err := e.bypass(ctx, r, j); err != nil {
		e.reportLookup(ctx, j, Unknown, true)
		j.End.Err = err
		return true, false
	}
	switch {
	case nested && (e.flights.Obtaining(ctx, j.Key) || e.degraded.Obtaining(ctx, j.Key) ||
		e.audits != nil && e.audits.Obtaining(ctx, j.Key)):
		j.End.Err = flight.ErrReentrant
		return true, false
	case r.Refresh:
		j.reported.Store(true)
	case j.looked && !j.Degraded && attempt == 0:
		e.reportLookup(ctx, j, Missing, false)
	case j.Degraded && e.Lease == Off: // with leases the flight tells
		e.reportLookup(ctx, j, Unknown, true)
	case !j.Degraded:
		return false, attempt > 0 || e.Lease == Off || e.flights.Refreshing(j.Key) ||
			e.failures.of(j.Key) != nil
	}
	return false, false
}

// LooksFirst reports whether a call is to look closely at its keys before it loads some of them:
// then that look is the only one, see Looked.
func (e *Engine) LooksFirst() bool {
	return e.Lease == Off && e.failures == nil && e.Store.ProbesStrings()
}

// Looked says that the call has looked closely at the key of a job, and found nothing, when so much
// had changed. It is called before Load.
func (j *Job) Looked(changes uint64) { j.looked, j.changes = true, changes }

// Changes returns what Looked is told, before the look.
func (e *Engine) Changes() uint64 { return e.flights.Changes() }

// join has the jobs join the flights of their keys, and begin those that there are not. It
// returns the jobs that have joined too late, and have to look again.
//
// Calls that Redis has failed share loads of their own: nobody can say whether these are
// older than a write, and a call that Redis answers must not share them. Among these also
// joins, at its last attempt, a call that was too late again and again: it shares none but
// the flight that begins next, and so is in time.
func (e *Engine) join(ctx context.Context, r *Run, all jobs, attempt int) (late jobs) {
	if len(all) == 0 {
		return nil
	}
	last := attempt == maxAttempts-1 && !r.Refresh
	answered, degraded := all, jobs(nil)
	switch {
	case last:
		answered, degraded = nil, all
	case e.Lease != Off && !r.Refresh:
		answered, degraded = splitDegraded(all)
	}
	next := last || r.Refresh
	first := e.joinGroup(ctx, r, &e.flights, answered, next)
	defer first.tickets.Leave()
	// Redis may answer other processes, which write: of what it has not failed, no load is shared
	// that began before the call.
	next = next || slices.ContainsFunc(degraded, func(j *Job) bool { return j.bypassed })
	second := e.joinGroup(ctx, r, &e.degraded, degraded, next)
	defer second.tickets.Leave()
	late = e.collect(ctx, r, first, late)
	return e.collect(ctx, r, second, late)
}

// splitDegraded returns the jobs that Redis has answered, and those that it has failed.
func splitDegraded(all jobs) (answered, degraded jobs) {
	return all.partition(func(j *Job) bool { return !j.Degraded })
}

// A joined is the jobs of a call that have joined flights of one group.
type joined struct {
	jobs    jobs
	at      time.Time
	tickets flight.Tickets[*Result]
	err     error // of all
}

func (e *Engine) joinGroup(ctx context.Context, r *Run, group *flight.Group[*Result], all jobs, next bool) (g joined) {
	if len(all) == 0 {
		return g
	}
	g.jobs, g.at = all, time.Now()
	for _, j := range all { // that nobody else uses yet
		if j.budget = j.Began.Add(e.RedisTimeout).Sub(g.at); len(all) > store.OneTrip {
			j.budget = e.RedisTimeout
		}
		j.startedDegraded = j.Degraded
	}
	g.tickets, g.err = group.Join(ctx, all.keys(), next, func(ctx context.Context, flights []*flight.Flight[*Result]) error {
		return e.run(ctx, r, led(all, flights))
	})
	return g
}

// led returns the jobs that lead the flights; both are in the order of the keys.
func led(all jobs, flights []*flight.Flight[*Result]) jobs {
	if len(flights) == len(all) {
		for i, j := range all {
			j.flight = flights[i]
		}
		return all
	}
	leading := make(jobs, len(flights))
	for i, f := range flights {
		for all[0].Key != f.Key() {
			all = all[1:]
		}
		leading[i], all[0].flight = all[0], f
		all = all[1:]
	}
	return leading
}

// collect waits for the flights, and adds the jobs that have joined too late to others.
func (e *Engine) collect(ctx context.Context, r *Run, g joined, late jobs) jobs {
	var w waits
	defer func() { e.reportWaits(ctx, w) }() // also where a panic is repeated
	for i, j := range g.jobs {
		if g.err != nil {
			e.reportLookup(ctx, j, Unknown, true)
			j.End.Err = g.err
			continue
		}
		a := g.tickets.Collect(ctx, i)
		if e.Reporter.HearsWaits() {
			w.add(g.tickets.Origin(i), j.Key, g.at)
		}
		waited := g.at.Sub(j.Began)
		switch {
		case a.Outcome == flight.Led && a.Err != nil && ctx.Err() != nil:
			e.reportLookup(ctx, j, Unknown, true) // it has left, and Redis may not be asked any more
		case a.Outcome == flight.Shared:
			e.reportFollower(ctx, j, a.Result, e.Reporter.IsRedisError(a.Err), waited)
		}
		if r.Refresh && a.Err == nil && a.Result != nil {
			a.Err = a.Result.commitErr
		}
		tooLate := a.Outcome == flight.TurnedAway
		if r.NoStale && a.Outcome == flight.Shared && a.Err == nil && a.Result.Stale {
			tooLate = true // another call was content with it
		}
		if tooLate && a.Err == nil {
			j.Began = time.Now().Add(-waited) // the wait for the flight was none for Redis
			late = append(late, j)
			continue
		}
		j.End = End{Outcome: a.Outcome, Result: a.Result, Err: a.Err}
	}
	return late
}
