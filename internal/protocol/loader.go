package protocol

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// load runs the loader for the jobs, and releases their place under MaxLoads. Their leases
// end with the time that the loader has, if not before. A loader that ignores its context keeps
// the place until it returns: the source is still being asked, and MaxLoads bounds that. load
// returns the error of a job whose loader came back because of that time, nil if there was time
// left.
func (e *Engine) load(ctx context.Context, r *Run, all jobs) (expired func(*Job) error) {
	report := LoadReport{Outcome: LoadPanicked}
	began := time.Now()
	defer func() {
		if report.Outcome == LoadPanicked {
			report.Err = e.Reporter.LoadPanicked(r.Op, all[0].Key, debug.Stack())
		}
		report.Duration, report.Callers, report.Background = time.Since(began), all.callers(), r.background
		if e.StaleFor > 0 && (report.Outcome == LoadOK || report.Outcome == LoadNotFound) {
			e.refreshes.took(report.Duration)
		}
		e.Reporter.Load(ctx, r.Op, all, report)
	}()
	defer e.limit.release() // before the observer is told, which may load as well
	bounded, cancel, call := e.limit.bound(ctx, e.LoadTimeout)
	defer cancel()
	var ended atomic.Bool // for the callers, or by the loader's return
	defer func() {
		if ended.Swap(true) {
			e.abandoned.Add(-1)
		}
	}()
	kept := all.keepAlive() // the jobs may hold others when the function below runs
	defer context.AfterFunc(bounded, func() {
		e.abandoned.Add(1) // until it returns, as it should now
		if ended.Swap(true) {
			e.abandoned.Add(-1)
		}
		if bounded.Err() == context.DeadlineExceeded { // which a loader may ignore, and callers not
			for _, j := range all {
				err := e.loadTimedOut(r, j, call)
				e.remember(j, err)
				j.flight.Fail(err)
			}
		}
		e.release(kept.endAll(), time.Now().Add(e.RedisTimeout))
	})()
	for _, j := range all {
		j.loads++
		j.flight.Begin()
	}
	result := r.Loader.Load(bounded, all)
	if bounded.Err() == context.DeadlineExceeded {
		expired = func(j *Job) error { return e.loadTimedOut(r, j, call) }
	}
	report.Outcome, report.Err = result.Outcome, result.Err
	if report.Outcome == LoadFailed && bounded.Err() == context.Canceled {
		report.Outcome = LoadCancelled // nobody waits, so that this is nobody's failure
	}
	return expired
}

// Abandoned returns how many loaders run that nobody waits for: their contexts have ended.
func (e *Engine) Abandoned() int64 { return e.abandoned.Load() }

// callers returns how many calls share the load of the jobs so far.
func (all jobs) callers() int {
	n := 1
	for _, j := range all {
		n += j.flight.Callers() - 1
	}
	return n
}
