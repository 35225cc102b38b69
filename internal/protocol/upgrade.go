package protocol

import (
	"context"
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
	empty   bool // a marker says that it is, and there is no such key
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
	asking, rest := granted.partition(func(j *Job) bool { return j.grant.lease != nil && !j.askedPrevious })
	if len(asking) == 0 {
		return granted
	}
	all, errs := e.readPrevious(ctx, asking)
	if ctx.Err() != nil { // nobody waits any more
		return granted
	}
	i := -1
	upgraded, others := asking.partition(func(j *Job) bool {
		i++
		if errs[i] != nil {
			j.loaded.Err = e.Degrade(ctx, r, j, errs[i])
			return false
		}
		return e.upgraded(ctx, r, j, all[i])
	})
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

// upgraded reports whether the job has a result now, which was made of the previous value.
func (e *Engine) upgraded(ctx context.Context, r *Run, j *Job, p Previous) bool {
	there := p.Err != nil || p.Entry.State == store.Present
	if there {
		j.loaded, there = r.Loader.Upgrade(ctx, j, p, j.flight.Callers())
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

// readPrevious reads the values of the version before, in one round trip. It returns an error
// for each that Redis has failed.
func (e *Engine) readPrevious(ctx context.Context, all jobs) (found []Previous, errs []error) {
	found, keys := make([]Previous, len(all)), make([]string, len(all))
	entries := make([]*store.Entry, len(all))
	for i, j := range all {
		j.askedPrevious = true
		j.flight.Begin() // what is read is no older than the calls that have joined until here
		keys[i], _ = e.Store.PreviousKey(j.Key)
		entries[i] = e.entry()
		found[i] = Previous{Key: keys[i], Entry: entries[i]}
	}
	began := all.start()
	errs = e.Previous.ReadAll(ctx, all.deadline(), keys, entries)
	all.spent(began)
	for i, j := range all {
		p := &found[i]
		ends, empty := e.Previous.EmptyUntil(j.grant.lease.lease)
		switch {
		case store.IsBroken(errs[i]):
			p.Err, errs[i] = errs[i], nil
		case errs[i] != nil:
		case p.Entry.State == store.Present:
			p.forever = p.Entry.TTL == store.Forever
			p.ends = began.Add(p.Entry.TTL)
		case empty:
			p.Entry.Wire.Reset(p.Key)
			p.Entry.State, p.ends, p.empty = store.Present, ends, true
		}
	}
	return found, errs
}
