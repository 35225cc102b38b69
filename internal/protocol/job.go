package protocol

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// A Run is one call that may load: of one key or of many.
type Run struct {
	Op      string // the method
	Refresh bool   // load in any case, and insist on the store
	NoStale bool   // a stale entry counts as none
	Loader  Loader
	Jobs    []*Job // with different keys

	background bool            // no caller waits: see RefreshInBackground
	audit      bool            // what is loaded is compared: see Audit
	caller     context.Context // of the call, set by Load
}

// A Loader is the typed side of a Run. What it is told of a job concerns Job.Index alone,
// so that jobs can be told of at the same time.
type Loader interface {
	// Load runs the caller's loader for the jobs. It may panic, or call runtime.Goexit.
	Load(ctx context.Context, jobs []*Job) LoadResult
	// Encode puts what Load has found for the job into its Entry. So many callers share it.
	Encode(ctx context.Context, j *Job, callers int) Loaded
	// Decode reads the value that Redis has for the job. An error says that the entry is
	// broken: it counts as none.
	Decode(j *Job, e *store.Entry) error
	// Upgrade is Encode for what it makes of the value of the version before. It reports false
	// for nothing. So many callers share it.
	Upgrade(ctx context.Context, j *Job, p Previous, callers int) (l Loaded, ok bool)
}

// Loaded is what a load has found for one job.
type Loaded struct {
	Err      error         // there is no result: the flight ends with it
	Bytes    int           // of the encoded value
	TTL      time.Duration // to store it with; of what is upgraded the previous one has it
	State    State         // Present or Absent
	Skip     Outcome       // why it is not to be stored; Stored: it is
	Upgraded bool          // it was made of the value of the version before
}

// A Job is one key of a Run. The flight that it leads may outlive the call: so a job is
// never used again.
type Job struct {
	Key   string      // the Redis key
	Index int         // for the typed side
	Entry store.Entry // what the flight stores

	// End is set by Load.
	End End

	// What is known of the key before Load is called, and what the call itself finds later.
	// A flight uses it when the job leads one, and then nobody else does.
	Began      time.Time     // when the call began, or would have without its wait for flights
	TTL        time.Duration // that was left when an entry was found that is stale, or to be refreshed
	changes    uint64        // when the call looked, see flight.Group.Changes
	Stale      State         // of such an entry: Present or Absent
	Broken     bool          // the key holds what cannot be decoded
	Outdated   bool          // with Broken: what another version of the codec has written
	Degraded   bool          // Redis has failed the call: it goes on without
	DegradedBy Outcome       // with Degraded: why nothing can be stored
	bypassed   bool          // with Degraded: Redis is not asked, see Engine.bypass
	looked     bool          // before Load, see Looked

	reported atomic.Bool // the observer knows what the call has found
	woken    atomic.Bool // the key was written while the flight waits, see Waker
	released atomic.Bool // this process has released its lease of the key meanwhile

	// Below is what the flight knows that the job leads.
	startedDegraded bool  // Redis had failed before the flight began
	finished        bool  // the flight is
	failed          bool  // Redis has failed a refresh in the background
	loads           uint8 // so far
	flight          *flight.Flight[*Result]
	budget          time.Duration // how long the flight may still wait for Redis
	busyFor         time.Duration // the TTL of the lease of another process, which refreshes the key
	previous        *Previous     // once it was asked for
	grant           grant
	loaded          Loaded
	result          Result
}

// An End is what has become of a job: an error, what the call itself has found or loaded, or
// the result of another call's flight.
type End struct {
	Outcome flight.Outcome
	Result  *Result // with the outcome Led: what Loader.Decode or Encode knows already
	Err     error
}

// A Result is what a flight has found, in the form that all callers can share.
type Result struct {
	Entry     *store.Entry  // of a value, which is read by many at once
	TTL       time.Duration // what Redis has left of it, if StaleFor is set; 0 for what was loaded
	commitErr error         // Redis has not stored it, which only a refresh minds
	State     State         // Present or Absent
	FromRedis bool          // Redis knew it: nobody had to load
	Stale     bool          // Redis has it, beyond its TTL
	degraded  bool          // it was loaded without Redis, which had failed
}

// finish ends the flight that the job leads.
func (j *Job) finish(r *Result, err error) {
	j.finished = true
	j.flight.Finish(r, err)
}

// jobs are some of those of a Run.
type jobs []*Job

// partition returns the jobs that are kept, and the rest, in their order. It calls keep once
// for each.
func (all jobs) partition(keep func(*Job) bool) (kept, rest jobs) {
	for i, j := range all {
		switch {
		case keep(j):
			if rest != nil {
				kept = append(kept, j)
			}
		case rest == nil:
			kept, rest = slices.Clip(all[:i]), jobs{j}
		default:
			rest = append(rest, j)
		}
	}
	if rest == nil { // as almost always: nothing is copied
		return all, nil
	}
	return kept, rest
}

// add returns some of the jobs and the one with this index. Where those are the ones before it, as
// almost always, nothing is copied.
func (all jobs) add(some jobs, i int) jobs {
	if len(some) == i && (i == 0 || &some[0] == &all[0]) {
		return slices.Clip(all[:i+1])
	}
	return append(some, all[i])
}

// unfinished returns those whose flights have not ended.
func (all jobs) unfinished() jobs {
	open, _ := all.partition(func(j *Job) bool { return !j.finished })
	return open
}

// deadline is when the flights have waited long enough for what they ask Redis now.
func (all jobs) deadline() time.Time {
	_, deadline := all.start()
	return deadline
}

// start and spent stand around what asks Redis until the deadline: its time is taken from the
// budgets.
func (all jobs) start() (began, deadline time.Time) {
	budget := all[0].budget
	for _, j := range all[1:] {
		budget = min(budget, j.budget)
	}
	began = time.Now()
	return began, began.Add(budget)
}

// What takes several round trips has time for each of them, and is taken from no budget.
func (all jobs) spent(began time.Time) {
	if len(all) > store.OneTrip {
		return
	}
	took := time.Since(began)
	for _, j := range all {
		j.budget -= took
	}
}

func (all jobs) flights() []*flight.Flight[*Result] {
	flights := make([]*flight.Flight[*Result], len(all))
	for i, j := range all {
		flights[i] = j.flight
	}
	return flights
}

func (all jobs) keys() []string {
	keys := make([]string, len(all))
	for i, j := range all {
		keys[i] = j.Key
	}
	return keys
}
