package protocol

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A Previous is what Redis has of a job's key in the version before.
type Previous struct {
	Key   string       // that of the version before
	Entry *store.Entry // of its value, for the duration of the call
	Err   error        // in place of a value: the key holds what is none

	ends    time.Time // of its life
	forever bool
	empty   bool  // a marker says that it is, and there is no such key
	failed  error // Redis has
}

// TTL returns what is left of the value's life, and whether that is enough for a store.
func (p *Previous) TTL() (left time.Duration, alive bool) {
	if p.forever {
		return store.Forever, true
	}
	left = time.Until(p.ends)
	return left, left >= time.Millisecond
}

// upgrade ends the flights of those jobs for which Redis has a value of the version before, of
// which the typed side makes one. It is stored as if it had been loaded: in place of a load, so
// that no load limit counts, and under the lease, which every write of either version ends.
// It returns the jobs that are still to be loaded. Each job asks once; a run without stale entries
// does not ask, as what it would find may be stale.
func (e *Engine) upgrade(ctx context.Context, r *Run, granted jobs) (rest jobs) {
	if e.Previous == nil || r.Refresh || r.NoStale || ctx.Err() != nil {
		return granted
	}
	asking, rest := granted.partition(func(j *Job) bool { return j.grant.lease != nil && j.previous == nil })
	if len(asking) == 0 {
		return granted
	}
	e.readPrevious(ctx, asking)
	if ctx.Err() != nil { // nobody waits any more
		return granted
	}
	upgraded, others := e.convert(ctx, r, asking)
	if len(upgraded) > 0 {
		e.commit(ctx, r, upgraded)
	}
	failed, others := others.partition(func(j *Job) bool { return j.loaded.Err != nil })
	e.finishAll(failed)
	degraded, _ := others.partition(func(j *Job) bool { return j.Degraded })
	e.releaseSoon(degraded)
	for _, j := range degraded {
		j.grant = e.leaseless(ctx, r, j, false)
	}
	return append(rest, others...)
}

func (e *Engine) upgradeTimedOut(r *Run, j *Job, _ *loaderCall) error {
	return e.Reporter.LoadTimedOut(r.Op, j.Key, fmt.Errorf("the upgrade took longer than LoadTimeout, %v", e.LoadTimeout))
}

// convert has the typed side make values of the previous ones, within LoadTimeout. It returns
// the jobs that have a result now, and the others, some of which have failed.
func (e *Engine) convert(ctx context.Context, r *Run, asking jobs) (upgraded, others jobs) {
	end := &ending{engine: e, run: r, jobs: asking, timedOut: (*Engine).upgradeTimedOut}
	end.begin(ctx, time.Now())
	defer end.done()
	bounded := &end.bounded
	upgraded, others = asking.partition(func(j *Job) bool {
		switch {
		case j.previous.failed != nil:
			j.loaded.Err = e.Degrade(ctx, r, j, j.previous.failed)
			return false
		case bounded.Err() != nil:
			return false
		}
		return e.upgraded(ctx, r, j)
	})
	for _, j := range upgraded { // after those behind it were made
		ttl, alive := j.previous.TTL()
		if j.loaded.TTL = ttl; !alive {
			j.loaded.Skip = Expired
		}
	}
	if bounded.Err() == context.DeadlineExceeded {
		for _, j := range others {
			if j.loaded.Err == nil {
				j.loaded.Err = e.upgradeTimedOut(r, j, nil)
			}
		}
	}
	return upgraded, others
}

// upgraded reports whether the job has a result now, which was made of the previous value.
func (e *Engine) upgraded(ctx context.Context, r *Run, j *Job) bool {
	p := j.previous
	there := p.Err != nil || p.Entry.State == store.Present
	if there {
		j.loaded, there = r.Loader.Upgrade(ctx, j, *p, j.flight.Callers())
	}
	e.giveBack(p.Entry)
	if !there {
		return false
	}
	if !p.empty {
		j.grant.lease.lease.Upgrades(p.Key)
	}
	j.result = Result{State: Present, Entry: &j.Entry}
	return true
}

// readPrevious reads the values of the version before, in one round trip.
func (e *Engine) readPrevious(ctx context.Context, all jobs) {
	found, keys := make([]Previous, len(all)), make([]string, len(all))
	entries := make([]*store.Entry, len(all))
	for i, j := range all {
		j.flight.Begin() // what is read is no older than the calls that have joined until here
		keys[i], _ = e.Store.PreviousKey(j.Key)
		entries[i] = e.entry()
		found[i] = Previous{Key: keys[i], Entry: entries[i]}
		j.previous = &found[i]
	}
	began, deadline := all.start()
	errs := e.Previous.ReadAll(ctx, deadline, keys, entries)
	all.spent(began)
	for i, j := range all {
		p := j.previous
		ends, empty := e.Previous.EmptyUntil(j.grant.lease.lease)
		switch {
		case store.IsBroken(errs[i]):
			p.Err = errs[i]
		case errs[i] != nil:
			p.failed = errs[i]
		case p.Entry.State == store.Present:
			p.forever = p.Entry.TTL == store.Forever
			p.ends = began.Add(p.Entry.TTL)
		case empty:
			p.Entry.Wire.Reset(p.Key)
			p.Entry.State, p.ends, p.empty = store.Present, ends, true
		}
	}
}
