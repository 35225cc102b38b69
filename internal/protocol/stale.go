package protocol

import (
	"context"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// IsStale reports whether an entry with so much of its TTL left is beyond the TTL that it was
// given: StaleFor has been added to that, and the server's clock alone decides.
func (e *Engine) IsStale(ttl time.Duration) bool {
	return e.StaleFor > 0 && ttl != store.Forever && ttl < e.StaleFor
}

// isStale is IsStale for what was found. An absence whose marker is carried by a lease is being
// refreshed, and nobody has asked for how long it stands.
func (e *Engine) isStale(entry *store.Entry) bool {
	return e.IsStale(entry.TTL) || e.StaleFor > 0 && entry.State == store.Absent && entry.Leased
}

// refusesStale reports whether what was found counts as none for a run, since it is stale. The
// next acquisition then grants the lease beside it.
func (e *Engine) refusesStale(r *Run, j *Job, entry *store.Entry) bool {
	if !r.NoStale || !e.isStale(entry) {
		return false
	}
	switch entry.State {
	case store.Present:
		j.Stale = Present
	case store.Absent:
		j.Stale = Absent
	default:
		return false
	}
	return true
}

// IsDue reports whether the entry that a lookup has found is to be refreshed in the background:
// it is stale, or will soon be and this lookup is the one that chance has chosen, and no refresh
// of it is under way or has just failed, as far as this process knows. Redis is not asked.
func (e *Engine) IsDue(key string, ttl time.Duration, began time.Time) bool {
	return e.Chooses(ttl) && e.PermitsRefresh(key, began)
}

// Chooses is the part of IsDue for which the key does not count.
func (e *Engine) Chooses(ttl time.Duration) bool {
	if e.StaleFor <= 0 || ttl == store.Forever {
		return false
	}
	remaining := ttl - e.StaleFor
	if remaining < 0 {
		return true
	}
	loadTime := e.refreshes.loadTime()
	return remaining <= maxEarly*loadTime && isEarly(remaining, loadTime, rand.Float64())
}

// maxEarly is more than the most that the logarithm of a random number can be.
const maxEarly = 64

// PermitsRefresh is the part of IsDue for which the key counts.
func (e *Engine) PermitsRefresh(key string, began time.Time) bool {
	return !e.limit.isFull() && e.refreshes.permits(key, began)
}

// isEarly decides by XFetch (Vattani et al., VLDB 2015) whether to refresh what is fresh for a
// while longer: with probability e^(-remaining/loadTime), given a random number in [0, 1). A key
// is so refreshed before it turns stale by one of its readers, the earlier the more there are and
// the longer a load takes.
func isEarly(remaining, loadTime time.Duration, random float64) bool {
	return -float64(loadTime)*math.Log(1-random) >= float64(remaining)
}

// RefreshInBackground begins to load the jobs of a run, of which IsDue has said so, by one call
// of the loader that no caller waits for. It loads nothing of what is under way already; and
// nothing at all while MaxLoads are, since what is there is good enough. A refresh stores only
// over what it was to replace: any write wins, and what is gone stays so.
//
// The context gives its values, not its cancellation.
func (e *Engine) RefreshInBackground(ctx context.Context, r *Run) {
	r.Refresh, r.background = true, true
	all := jobs(r.Jobs)
	if !e.limit.tryAcquire() {
		return
	}
	all, _ = all.partition(func(j *Job) bool {
		j.reported.Store(true) // by the lookup
		return e.refreshes.begin(j.Key, j.Began, e.LoadTimeout)
	})
	began := time.Now()
	keys := all.keys()
	rest := e.flights.Start(e.limit.outside(ctx), keys, func(ctx context.Context, flights []*flight.Flight[*Result]) error {
		return e.refresh(ctx, r, led(all, flights), began)
	})
	for _, key := range rest {
		e.refreshes.withdraw(key)
	}
	if len(rest) == len(keys) {
		e.limit.release()
	}
}

// refresh is what a flight does that no caller waits for, and that has a place under MaxLoads.
// It asks for the leases once: what others refresh, or have refreshed, is none of its business.
// Callers that have joined it look again when it does not load.
func (e *Engine) refresh(ctx context.Context, r *Run, all jobs, began time.Time) error {
	held, returned := true, false
	defer func() {
		if held {
			e.limit.release()
		}
		e.releaseBy(all.endLeases(), time.Now().Add(e.RedisTimeout))
		late := time.Since(began) >= e.LoadTimeout
		for _, j := range all {
			e.refreshes.end(j.Key, !returned || late || j.hasFailed(), j.busyFor)
		}
		if !returned {
			e.Reporter.RefreshPanicked(ctx, r.Op, all[0].Key, debug.Stack())
		}
	}()
	for _, j := range all {
		j.budget = e.RedisTimeout
	}
	due := all
	if e.Lease == Off {
		due = e.stillDue(ctx, r, due)
	}
	if len(due) > 0 {
		var w waiting
		due, _, _ = e.acquire(ctx, r, due, &w)
	}
	if e.Lease != Off {
		due = e.dueBeside(ctx, r, due)
	}
	if len(due) > 0 && ctx.Err() == nil {
		held = false // the load releases it
		e.loadAndCommit(ctx, r, due)
	}
	for _, j := range all.unfinished() {
		j.flight.Refuse()
		j.finish(nil, nil)
	}
	returned = true
	return nil
}

// dueBeside returns the jobs that still have to be done, of those that were granted: by what their
// leases stand beside or, where Redis refuses leases, by another look. What Redis has no memory
// for is not loaded, as it would not be stored.
func (e *Engine) dueBeside(ctx context.Context, r *Run, granted jobs) (due jobs) {
	var unleased jobs
	for _, j := range granted {
		switch {
		case j.grant.lease != nil:
			if j.isDueBeside(j.grant.lease.lease.Beside()) {
				due = append(due, j)
			}
		case j.grant.committer != nil:
			unleased = append(unleased, j)
		default:
			j.failed = true
		}
	}
	if len(unleased) > 0 {
		due = append(due, e.stillDue(ctx, r, unleased)...)
	}
	return due
}

// isDueBeside reports whether a key still has what the job is to replace, by what it has now.
// Whatever has come since has a longer TTL.
func (j *Job) isDueBeside(s store.State, ttl time.Duration) bool {
	was := store.Present
	if j.Stale == Absent {
		was = store.Absent
	}
	return s == was && ttl != store.Forever && ttl <= j.TTL
}

func (j *Job) hasFailed() bool {
	return j.failed || j.loaded.Err != nil || j.result.commitErr != nil
}

// stillDue does without leases what acquire does with them: it looks whether what the jobs are
// to replace is still there.
func (e *Engine) stillDue(ctx context.Context, r *Run, all jobs) (due jobs) {
	began, deadline := all.start()
	finds := e.probeAll(ctx, deadline, all)
	all.spent(began)
	for i, j := range all {
		switch f := finds[i]; {
		case store.IsBroken(f.err):
			e.reportBroken(ctx, r, j, f.err)
		case f.err != nil:
			_, _ = e.Reporter.RedisError(ctx, r.Op, j.Key, f.err)
			j.failed = true
			continue // the entry may still be in use
		case j.isDueBeside(f.entry.State, f.entry.TTL):
			due = append(due, j)
		}
		e.giveBack(finds[i].entry)
	}
	return due
}

// lookupState is what a lookup has found that ends with the result.
func (r *Result) lookupState() State {
	if r.State == Present && r.Stale {
		return Stale
	}
	return r.State
}

// refreshes are what this process knows of the refreshes of keys, so that the readers of a hot
// stale key do not ask Redis each time who refreshes it.
type refreshes struct {
	average atomic.Uint64 // of the time that loads take, in ns, as in math.Float64bits

	mu   sync.Mutex
	last map[uint64]lastRefresh // by a hash of the key
}

// A lastRefresh is the latest refresh of a key, under way or over.
type lastRefresh struct {
	until    time.Time // no other begins before
	ended    time.Time // what a lookup has found that began before may be out of date
	failures uint8     // in a row
}

const (
	maxRemembered = 4096             // keys
	minBackOff    = time.Second      // after a failure
	maxBackOff    = 30 * time.Second // after many
	evictFrom     = 8                // the keys one of which is forgotten for another
	loadWeight    = 1.0 / 8          // of the latest load in the average
)

// loadTime is how long a load takes, 0 when that is not known.
func (f *refreshes) loadTime() time.Duration {
	return time.Duration(math.Float64frombits(f.average.Load()))
}

// took takes into account how long a load has taken.
func (f *refreshes) took(d time.Duration) {
	for {
		old := f.average.Load()
		average := math.Float64frombits(old)
		if average == 0 {
			average = float64(d)
		}
		average += (float64(d) - average) * loadWeight
		if f.average.CompareAndSwap(old, math.Float64bits(average)) {
			return
		}
	}
}

// permits reports whether a refresh may begin for a lookup that began at a time.
func (f *refreshes) permits(key string, began time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[maphash.String(keySeed, key)].permits(began)
}

func (l lastRefresh) permits(began time.Time) bool {
	return !time.Now().Before(l.until) && began.After(l.ended)
}

// begin is permits, and notes that the refresh is under way, for as long as a load may take: a
// loader that ignores its context does not keep the key from being refreshed for ever.
func (f *refreshes) begin(key string, began time.Time, timeout time.Duration) bool {
	hash := maphash.String(keySeed, key)
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.last[hash]
	if !l.permits(began) {
		return false
	}
	l.until = time.Now().Add(timeout + minBackOff)
	f.remember(hash, l)
	return true
}

// withdraw undoes begin for a refresh that has not begun.
func (f *refreshes) withdraw(key string) {
	hash := maphash.String(keySeed, key)
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, known := f.last[hash]; known {
		l.until = time.Time{}
		f.last[hash] = l
	}
}

// end notes how a refresh has ended; busy is how long another process that refreshes the key
// has its lease, 0 for none.
func (f *refreshes) end(key string, failed bool, busy time.Duration) {
	hash, now := maphash.String(keySeed, key), time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	l := lastRefresh{ended: now, until: now.Add(busy)}
	if failed {
		l.failures = min(f.last[hash].failures, 8) + 1
		l.until = now.Add(min(minBackOff<<(l.failures-1), maxBackOff))
	}
	f.remember(hash, l)
}

// remember keeps what is known of a key, and forgets another one when that is too many: of a
// few, the one whose next refresh may begin first.
func (f *refreshes) remember(hash uint64, l lastRefresh) {
	if f.last == nil {
		f.last = make(map[uint64]lastRefresh)
	}
	if _, known := f.last[hash]; !known && len(f.last) >= maxRemembered {
		f.forgetOne()
	}
	f.last[hash] = l
}

func (f *refreshes) forgetOne() {
	var first uint64
	looked := 0
	for hash, l := range f.last {
		if looked == 0 || l.until.Before(f.last[first].until) {
			first = hash
		}
		if looked++; looked == evictFrom {
			break
		}
	}
	delete(f.last, first)
}
