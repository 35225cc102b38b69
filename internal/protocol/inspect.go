package protocol

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A find is what Redis has answered to a question about a job's key.
type find struct {
	entry *store.Entry // of the engine's; after an error it may still be in use
	err   error
}

// found makes sense of a find, and reports whether there is a result, in j.result. When Redis
// has failed, and the job goes on without, j.Degraded is set and there is no error.
func (e *Engine) found(ctx context.Context, r *Run, j *Job, f find) (found bool, err error) {
	j.result = Result{}
	switch {
	case store.IsBroken(f.err):
		e.reportBroken(ctx, r, j, f.err)
	case f.err != nil:
		return false, e.Degrade(ctx, r, j, f.err)
	case e.refusesStale(r, j, f.entry):
	case f.entry.State == store.Absent:
		j.result = Result{State: Absent, Stale: e.isStale(f.entry), TTL: f.entry.TTL}
	case f.entry.State == store.Present:
		err := r.Loader.Decode(j, f.entry)
		if err == nil {
			j.result = Result{State: Present, Entry: f.entry, Stale: e.isStale(f.entry), TTL: f.entry.TTL}
			return true, nil
		}
		e.reportBroken(ctx, r, j, err)
	}
	e.giveBack(f.entry)
	return j.result.State == Absent, nil
}

// finishFound ends the flight of a job that e.found has returned for.
func (j *Job) finishFound(err error) {
	if err != nil {
		j.finish(nil, err)
	} else {
		j.finish(&j.result, nil)
	}
}

// probeFirst probes for calls that are about to join flights: those of one key share probes,
// at their second attempt all but one, as they come at one moment.
func (e *Engine) probeFirst(ctx context.Context, all jobs, attempt int) []find {
	deadline := all[0].Began.Add(e.RedisTimeout)
	if len(all) > 1 {
		if len(all) > store.OneTrip {
			deadline = time.Now().Add(e.RedisTimeout)
		}
		return e.probeAll(ctx, deadline, all)
	}
	f := find{entry: e.entry()}
	if attempt == 0 && e.Lease == Off {
		f.err = e.probe(ctx, all[0].Key, f.entry, deadline)
	} else {
		f.err = e.probeNext(ctx, all[0].Key, f.entry, deadline)
	}
	return []find{f}
}

// probeAll probes the keys of the jobs.
func (e *Engine) probeAll(ctx context.Context, deadline time.Time, all jobs) []find {
	return e.askAll(all, func(keys []string, entries []*store.Entry) []error {
		return e.Store.ProbeAll(ctx, deadline, keys, entries)
	})
}

// readAll reads the values of the jobs.
func (e *Engine) readAll(ctx context.Context, deadline time.Time, all jobs) []find {
	return e.askAll(all, func(keys []string, entries []*store.Entry) []error {
		if len(all) > 1 {
			return e.Store.ReadAll(ctx, deadline, keys, entries)
		}
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		found, err := e.Read(ctx, keys[0], entries[0], time.Now(), deadline)
		switch {
		case err != nil: // a read that was given up may still write to the entry
		case found:
			entries[0].State = store.Present
		default:
			entries[0].State = store.Missing
		}
		return []error{err}
	})
}

func (e *Engine) askAll(all jobs, ask func([]string, []*store.Entry) []error) []find {
	entries := make([]*store.Entry, len(all))
	for i := range entries {
		entries[i] = e.entry()
	}
	finds := make([]find, len(all))
	for i, err := range ask(all.keys(), entries) {
		finds[i] = find{entries[i], err}
	}
	return finds
}
