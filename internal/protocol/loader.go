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
		if e.StaleFor > 0 || e.Reporter.HearsLoads() {
			report.Duration = time.Since(began)
		}
		report.Callers, report.Background, report.Audit = all.callers(), r.background, r.audit
		if e.StaleFor > 0 && (report.Outcome == LoadOK || report.Outcome == LoadNotFound) {
			e.refreshes.took(report.Duration)
		}
		e.Reporter.Load(ctx, r.Op, all, report)
	}()
	defer e.limit.release() // before the observer is told, which may load as well
	ctx = e.Reporter.StartLoad(ctx, all, r.background)
	end := &ending{engine: e, run: r, jobs: all, timedOut: (*Engine).loadEnded}
	if r.audit {
		end.timedOut = (*Engine).auditTimedOut
	}
	end.bounded.Context = ctx
	var bounded context.Context
	bounded, end.call = e.limit.bound(&end.bounded)
	end.begin(ctx, began)
	defer end.done()
	for _, j := range all {
		j.loads++
		j.flight.Begin()
		if e.Reporter.HearsWaits() {
			j.flight.SetOrigin(bounded)
		}
	}
	result := r.Loader.Load(bounded, all)
	ended := bounded.Err()
	if ended == context.DeadlineExceeded {
		expired = func(j *Job) error { return e.loadTimedOut(r, j, end.call) }
	}
	report.Outcome, report.Err = result.Outcome, result.Err
	if report.Outcome == LoadFailed && ended == context.Canceled {
		report.Outcome = LoadCancelled // nobody waits, so that this is nobody's failure
	}
	return expired
}

// An ending is that of what is done for jobs in a bounded time: when that is over, their flights
// fail and their leases end. What is done may ignore its end, and callers do not.
type ending struct {
	engine   *Engine
	run      *Run
	jobs     jobs
	call     *loaderCall
	timedOut func(*Engine, *Run, *Job, *loaderCall) error // of a job

	bounded loadContext
	kept    *keepAlive
	timer   *time.Timer // without leases, whose renewal has one
	cancel  func()      // called when the flights are cancelled
	expired atomic.Bool
	ended   atomic.Bool // for the callers, or by done
}

// begin begins the time at a time that is now, until done: it is LoadTimeout, or ends with the
// context of the flights.
func (end *ending) begin(ctx context.Context, now time.Time) {
	timeout := end.engine.LoadTimeout
	end.bounded.Context, end.bounded.deadline = ctx, now.Add(timeout)
	if end.kept = end.jobs.keepAlive(); end.kept != nil { // the jobs may hold others when the time is over
		end.kept.bound(end)
	} else {
		end.timer = time.AfterFunc(timeout, end.timeOut)
	}
	end.cancel = end.expire
	end.jobs[0].flight.OnCancel(&end.cancel)
}

func (end *ending) timeOut() {
	end.bounded.expire()
	end.expire()
}

// expire is called once the time is over.
func (end *ending) expire() {
	if end.expired.Swap(true) {
		return
	}
	e := end.engine
	e.abandoned.Add(1) // until it returns, as it should now
	if end.ended.Swap(true) {
		e.abandoned.Add(-1)
	}
	if end.bounded.Err() == context.DeadlineExceeded {
		for _, j := range end.jobs {
			j.flight.Fail(end.timedOut(e, end.run, j, end.call))
		}
	}
	e.release(end.kept.endAll(), time.Now().Add(e.RedisTimeout))
}

func (end *ending) done() {
	end.jobs[0].flight.OnCancel(nil)
	if end.timer != nil {
		end.timer.Stop()
	} else {
		end.kept.bound(nil)
	}
	end.bounded.end()
	if end.ended.Swap(true) {
		end.engine.abandoned.Add(-1)
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
