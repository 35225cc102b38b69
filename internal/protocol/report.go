package protocol

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A Reporter counts and tells what an Engine does, and puts its failures into the words of
// the cache. It contains the panics of those it tells.
type Reporter interface {
	// Lookup tells what a call has found before any load; outdated, that it is Missing as the
	// entry is one of another version.
	Lookup(ctx context.Context, key string, s State, outdated bool, took time.Duration)
	// LookupRemembered is Lookup for a call that ends with an error that is remembered.
	LookupRemembered(ctx context.Context, key string, s State, outdated bool, took time.Duration, err error)
	// StartLoad tells that a loader is about to run, and returns the context that it runs in.
	StartLoad(ctx context.Context, jobs []*Job, background bool) context.Context
	// Load tells of one run of a loader, in the context that StartLoad has returned.
	Load(ctx context.Context, op string, jobs []*Job, r LoadReport)
	// HearsLookups reports whether anybody hears how long lookups take, HearsLoads how long loads
	// do, and HearsWaits whether anybody hears of Waited.
	HearsLookups() bool
	HearsLoads() bool
	HearsWaits() bool
	// Waited tells that a call has waited so long for a load that another call has begun, which
	// runs or ran in a context.
	Waited(ctx context.Context, keys []string, load context.Context, took time.Duration)
	// Commit tells what has become of the result of a load, once for each key.
	Commit(ctx context.Context, op, key string, l Loaded, o Outcome, err error)
	// Unleased tells of a failed store that may still be carried out, as no lease prevents it.
	Unleased(key string, cause error)
	// Broken tells of an entry that cannot be decoded. It reports whether that is whole, but
	// of another version.
	Broken(ctx context.Context, op, key string, cause error) (outdated bool)
	// RedisError returns the error of a call that Redis has failed. It reports false when
	// rather the context has ended or the cache was closed.
	RedisError(ctx context.Context, op, key string, cause error) (err error, failed bool)
	// IsRedisError reports whether an error is one of RedisError, for a failure of Redis.
	IsRedisError(err error) bool
	// Remembered returns the error of calls that get the error of an earlier load, or nil if that
	// is not to be remembered.
	Remembered(cause error, since time.Time) error
	// LoadTimedOut returns the error of a load that has run for LoadTimeout.
	LoadTimedOut(op, key string, cause error) error
	// LoadPanicked returns the error of a load that has not returned.
	LoadPanicked(op, key string, stack []byte) error
	// RefreshPanicked tells of a panic, or a runtime.Goexit, in a load that no caller waits for.
	RefreshPanicked(ctx context.Context, op, key string, stack []byte)
	// Audited tells how an audit has ended.
	Audited(ctx context.Context, op, key string, r AuditReport)
	// AuditPanicked is RefreshPanicked for an audit.
	AuditPanicked(ctx context.Context, op, key string, stack []byte)
	// HookPanicked tells of a panic in a hook of the client, of this value.
	HookPanicked(key string, value any)
}

// A LoadReport is how a load has gone.
type LoadReport struct {
	Outcome  LoadOutcome
	Err      error
	Callers  int
	Duration time.Duration

	Background bool // no caller waited from the start
	Audit      bool // what was loaded is compared alone
}

// A LoadResult is how a loader has ended that has returned.
type LoadResult struct {
	Outcome LoadOutcome // LoadOK, LoadNotFound or LoadFailed
	Err     error       // what it returned
}

// A LoadOutcome is how a run of a loader has ended.
type LoadOutcome uint8

// The outcomes of a load.
const (
	LoadOK LoadOutcome = iota
	LoadNotFound
	LoadFailed
	LoadPanicked
	LoadCancelled
)

// A State says what there is of a key.
type State uint8

// The states.
const (
	Missing State = iota
	Present
	Stale
	Absent
	Unknown // Redis did not answer
)

// An Outcome is what has become of an entry on its way into Redis.
type Outcome uint8

// The outcomes.
const (
	Stored Outcome = iota
	Fenced
	OutOfMemory
	TooLarge
	NoPermission
	NoScripts
	RedisFailed
	NotEncoded
	Expired
	NoStore
	AbsentOff
	Cancelled
	Unchanged
)

// OutcomeOf returns the outcome of a write for which the store returned err.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Stored
	case store.IsOpen(err): // as all calls in an outage
		return RedisFailed
	case err == errFull, store.IsOutOfMemory(err):
		return OutOfMemory
	case store.IsTooLarge(err):
		return TooLarge
	case store.IsNoPermission(err):
		return NoPermission
	case store.IsNoScripts(err):
		return NoScripts
	}
	return RedisFailed
}

// reportLookup tells, once, what the call that leads a flight has found before a load: s,
// unless Redis has failed it.
func (e *Engine) reportLookup(ctx context.Context, j *Job, s State, failed bool) {
	if !j.reported.CompareAndSwap(false, true) {
		return
	}
	// A caller that has left must read no more of the job than Key and Began.
	if failed || j.Degraded {
		s = Unknown
	}
	e.Reporter.Lookup(ctx, j.Key, s, s == Missing && j.Outdated, e.lookupTime(j))
}

// lookupTime is how long the lookup of a job has taken, if anybody wants to know.
func (e *Engine) lookupTime(j *Job) time.Duration {
	if !e.Reporter.HearsLookups() {
		return 0
	}
	return time.Since(j.Began)
}

// reportBroken tells, once for each job, that its entry cannot be decoded.
func (e *Engine) reportBroken(ctx context.Context, r *Run, j *Job, cause error) {
	if !j.Broken {
		j.Broken = true
		j.Outdated = e.Reporter.Broken(ctx, r.Op, j.Key, cause)
	}
}

// reportFollower tells what a call has found that joined another's flight, after its own
// lookup had taken so long: what Redis knew, even if only the other has asked closely.
func (e *Engine) reportFollower(ctx context.Context, j *Job, r *Result, redisFailed bool, took time.Duration) {
	if !j.reported.CompareAndSwap(false, true) {
		return
	}
	s := Missing
	switch {
	case j.Degraded, r != nil && r.degraded, redisFailed:
		s = Unknown
	case r != nil && r.FromRedis:
		s = r.lookupState()
	}
	e.Reporter.Lookup(ctx, j.Key, s, s == Missing && j.Outdated, took)
}

// waits are the loads of other calls that a call has waited for, each once.
type waits []wait

type wait struct {
	load context.Context // one that loadLimit.bound has made, so that it can be compared
	keys []string
	took time.Duration
}

// add adds the wait for a key that began at a time. load is nil if nothing was loaded.
func (w *waits) add(load context.Context, key string, began time.Time) {
	if load == nil {
		return
	}
	i := slices.IndexFunc(*w, func(known wait) bool { return known.load == load })
	if i < 0 {
		*w, i = append(*w, wait{load: load}), len(*w)
	}
	at := &(*w)[i]
	at.keys, at.took = append(at.keys, key), time.Since(began)
}

func (e *Engine) reportWaits(ctx context.Context, all waits) {
	for _, w := range all {
		e.Reporter.Waited(ctx, w.keys, w.load, w.took)
	}
}
