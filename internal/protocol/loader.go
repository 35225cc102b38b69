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
	defer e.endWith(bounded, all, func(j *Job) error {
		err := e.loadTimedOut(r, j, call)
		e.remember(j, err)
		return err
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

// endWith has the flights of the jobs fail, and their leases end, when the context of what is
// done for them ends before done is called: that may ignore its end, and callers do not.
func (e *Engine) endWith(bounded context.Context, all jobs, timedOut func(*Job) error) (done func()) {
	var ended atomic.Bool   // for the callers, or by done
	kept := all.keepAlive() // the jobs may hold others when the function below runs
	stop := context.AfterFunc(bounded, func() {
		e.abandoned.Add(1) // until it returns, as it should now
		if ended.Swap(true) {
			e.abandoned.Add(-1)
		}
		if bounded.Err() == context.DeadlineExceeded {
			for _, j := range all {
				j.flight.Fail(timedOut(j))
			}
		}
		e.release(kept.endAll(), time.Now().Add(e.RedisTimeout))
	})
	return func() {
		stop()
		if ended.Swap(true) {
			e.abandoned.Add(-1)
		}
	}
}

// Abandoned returns how many loaders and upgrades run that nobody waits for: their contexts have
// ended.
func (e *Engine) Abandoned() int64 { return e.abandoned.Load() }

// callers returns how many calls share the load of the jobs so far.
func (all jobs) callers() int {
	n := 1
	for _, j := range all {
		n += j.flight.Callers() - 1
	}
	return n
}
