package protocol

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxFailures is how many keys have an error remembered. The oldest error, which would be the
// first to end, makes way for a new one: a source that fails for a million keys takes no more
// memory, and is asked at most once for each key in that time anyway.
const maxFailures = 1024

// failures are the errors of loads that a process remembers for ErrorTTL, by key. A nil *failures
// remembers nothing.
//
// An error is an answer only where Redis has none: what Redis has is looked for first, so a stale
// value comes before an error that is remembered. A load in the background remembers its error
// too, for calls that find nothing stale any more.
type failures struct {
	ttl time.Duration

	mu    sync.Mutex
	byKey map[string]*failure
	ring  [maxFailures]*failure // by age, also those that byKey has no more
	first int                   // the oldest
	count int
}

// A failure is an error that is remembered.
type failure struct {
	key   string
	err   error // as Reporter.Remembered has made it
	until time.Time
}

func newFailures(ttl time.Duration) *failures {
	if ttl <= 0 {
		return nil
	}
	return &failures{ttl: ttl, byKey: make(map[string]*failure)}
}

// of returns the error that is remembered for the key, or nil.
func (f *failures) of(key string) error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.byKey[key]; known != nil && time.Now().Before(known.until) {
		return known.err
	}
	return nil
}

// remember keeps err for a job, unless a write of its key has come since its load began, its
// flight has ended by another error, or all callers have left.
func (f *failures) remember(j *Job, err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !j.flight.IsStorable() { // asked with the lock: a write forgets after it has fenced
		return
	}
	for f.count > 0 && (f.count == maxFailures || !now.Before(f.ring[f.first].until)) {
		f.dropOldest()
	}
	latest := &failure{j.Key, err, now.Add(f.ttl)}
	f.ring[(f.first+f.count)%maxFailures] = latest
	f.count++
	f.byKey[j.Key] = latest
}

func (f *failures) dropOldest() {
	oldest := f.ring[f.first]
	f.ring[f.first] = nil
	f.first = (f.first + 1) % maxFailures
	f.count--
	if f.byKey[oldest.key] == oldest {
		delete(f.byKey, oldest.key)
	}
}

// forget ends what is remembered for the keys.
func (f *failures) forget(keys ...string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if known := f.byKey[key]; known != nil {
			delete(f.byKey, key)
			*known = failure{key: key} // its place in the ring holds no error
		}
	}
}

// remember keeps what a load has ended with, if it says that the source has failed.
func (e *Engine) remember(j *Job, cause error) {
	if e.failures == nil {
		return
	}
	now := time.Now()
	if err := e.Reporter.Remembered(cause, now); err != nil {
		e.failures.remember(j, err, now)
	}
}

// rememberEnds does so for the jobs that a loader has returned for.
func (e *Engine) rememberEnds(r *Run, loaded, failed jobs) {
	if e.failures == nil {
		return
	}
	e.failures.forget(loaded.keys()...)
	for _, j := range failed {
		if err := j.loaded.Err; j.loaded.Skip == Stored && !r.isEndOfCaller(err) {
			e.remember(j, err)
		}
	}
}

// isEndOfCaller reports whether an error of the loader is that of the context of the call that
// brought it: the loader may use that in place of its own.
func (r *Run) isEndOfCaller(err error) bool {
	return r.caller != nil && r.caller.Err() != nil && errors.Is(err, r.caller.Err())
}

// endsRemembered ends a call for which Redis has nothing with the error that is remembered, and
// reports whether there is one.
func (e *Engine) endsRemembered(ctx context.Context, j *Job) bool {
	err := e.failures.of(j.Key)
	if err == nil {
		return false
	}
	e.reportRemembered(ctx, j, err)
	j.End.Err = err
	return true
}

// endRemembered ends the flights of jobs whose errors have been remembered since their calls
// looked, and returns the others. A refresh asks the source in any case.
func (e *Engine) endRemembered(ctx context.Context, r *Run, all jobs) (open jobs) {
	switch {
	case e.failures == nil:
		return all
	case r.Refresh:
		e.failures.forget(all.keys()...)
		return all
	}
	open, _ = all.partition(func(j *Job) bool {
		err := e.failures.of(j.Key)
		if err != nil {
			e.reportRemembered(ctx, j, err)
			j.finish(nil, err)
		}
		return err == nil
	})
	return open
}

// reportRemembered tells, once, what a call has found that ends with an error that is remembered.
func (e *Engine) reportRemembered(ctx context.Context, j *Job, err error) {
	if !j.reported.CompareAndSwap(false, true) {
		return
	}
	s := Missing
	if j.Degraded {
		s = Unknown
	}
	e.Reporter.LookupRemembered(ctx, j.Key, s, s == Missing && j.Outdated, e.lookupTime(j), err)
}
