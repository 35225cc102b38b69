package protocol

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// An AuditConfig is how hits are audited.
type AuditConfig struct {
	Grace  time.Duration // for which an entry may differ from the source; 0: nothing is audited
	Repair bool          // what nobody has invalidated is replaced
	Loads  int           // of audits that run at once, 0: no limit
}

// An Auditor is the typed side of an audit, which is a Run of one Job.
type Auditor interface {
	Loader
	// Found returns what Load has found for the job, Present or Absent, or its error.
	Found(j *Job) (State, error)
	// Compare compares the value that Redis has for the job with the one that Load has found, and
	// names the fields in which they differ, if there are any. The entry stays as it is.
	Compare(j *Job, cached *store.Entry) (same bool, fields []string, err error)
}

// An AuditReport is the result of an audit.
type AuditReport struct {
	Result         AuditResult
	Cached, Loaded State    // Present or Absent
	Fields         []string // with AuditLate and AuditMissed, that differ or did
	Repaired       bool
	Took           time.Duration
}

// An AuditResult is what an audit has found.
type AuditResult uint8

// The results.
const (
	AuditEqual AuditResult = iota
	AuditOvertaken
	AuditLate
	AuditMissed
	AuditFailed // Redis or the loader has, or the values cannot be compared

	auditSkipped // the lease is another's, or there is none
	auditOpen    // there is no result yet
)

// Audit begins to compare the entry of a run's job with the source, in the background, unless
// the key is being audited, or as many loads run as may. The context gives its values, not its
// cancellation.
func (e *Engine) Audit(ctx context.Context, r *Run, auditor Auditor) {
	a := e.newAudit(r, auditor)
	if e.Store.BreakerOpen() || !a.tryAcquireLoad() {
		return
	}
	ctx = e.limit.outside(e.degraded.Outside(e.flights.Outside(ctx)))
	rest := e.audits.Start(ctx, []string{a.job.Key}, a.run)
	if len(rest) > 0 {
		a.releaseLoad()
	}
}

// AuditNow is Audit that returns when the audit has ended, or the context has. It waits for one of
// the key that is under way, and for a place to load.
func (e *Engine) AuditNow(ctx context.Context, r *Run, auditor Auditor) {
	a := e.newAudit(r, auditor)
	a.waits = true
	tickets, err := e.audits.Join(ctx, []string{a.job.Key}, true, a.run)
	if err == nil {
		tickets.Collect(ctx, 0)
	}
}

// An audit compares one entry with the source. It holds the lease of the key from before it reads
// the entry until it has compared them, as a refresh does, so that Redis tells in the end whether
// the entry was written meanwhile.
type audit struct {
	engine  *Engine
	request *Run
	auditor Auditor
	job     *Job
	waits   bool // where the limit of loads is reached

	first      store.Entry // what Redis had when the lease was granted
	holdsLoad  bool        // counts under the limit of loads
	holdsAudit bool        // counts under the limit of audits that load
	late       bool        // the load has taken longer than LoadTimeout
	report     AuditReport
}

func (e *Engine) newAudit(r *Run, auditor Auditor) *audit {
	r.audit, r.background = true, true
	return &audit{engine: e, request: r, auditor: auditor, job: r.Jobs[0]}
}

// run is what a flight does that nobody joins. A panic of foreign code ends it without a result.
func (a *audit) run(ctx context.Context, flights []*flight.Flight[*Result]) error {
	e, j, began := a.engine, a.job, time.Now()
	j.flight = flights[0]
	j.reported.Store(true) // by the lookup
	result := AuditFailed
	returned := false
	defer func() {
		if !returned {
			e.Reporter.AuditPanicked(ctx, a.request.Op, j.Key, debug.Stack())
			_ = recover() // of which LoadEvents tell as well
		}
		a.releaseLoad()
		e.releaseBy(jobs{j}.endLeases(), a.deadline())
		if result == auditSkipped || result == AuditFailed && ctx.Err() != nil && !a.late { // nobody wants it any more
			return
		}
		a.report.Result, a.report.Took = result, time.Since(began)
		if result != AuditLate && result != AuditMissed {
			a.report.Fields = nil
		}
		e.Reporter.Audited(ctx, a.request.Op, j.Key, a.report)
	}()
	result = a.audit(ctx)
	returned = true
	return nil
}

func (a *audit) audit(ctx context.Context) AuditResult {
	if !a.acquireLoad(ctx) {
		return auditSkipped
	}
	if r := a.begin(ctx); r != auditOpen {
		return r
	}
	switch same, err := a.compare(ctx); {
	case err != nil:
		return AuditFailed
	case same:
		return a.end(ctx, AuditEqual, AuditOvertaken)
	}
	if r := a.await(ctx); r != auditOpen {
		return r
	}
	switch same, err := a.compare(ctx); {
	case err != nil:
		return AuditFailed
	case same:
		return AuditLate
	}
	if r := a.recheck(ctx); r != auditOpen {
		return r
	}
	if a.engine.Audits.Repair {
		return a.repair(ctx)
	}
	return a.end(ctx, AuditMissed, AuditLate)
}

func (a *audit) deadline() time.Time { return time.Now().Add(a.engine.RedisTimeout) }

// begin asks for the lease, and reads what stands beside it.
func (a *audit) begin(ctx context.Context) AuditResult {
	e, j := a.engine, a.job
	if e.Store.Unleased() || e.Store.IsUndelivered(j.Key) {
		return auditSkipped
	}
	asks := []store.Ask{{Key: j.Key, Replace: true, AsWrite: e.Audits.Repair}}
	began := time.Now()
	deadline := began.Add(e.RedisTimeout)
	e.Store.AcquireAll(context.WithoutCancel(ctx), deadline, asks, e.Lease)
	e.hold(jobs{j}, asks, began)
	err := asks[0].Err
	switch {
	case e.Store.RefusesLeases(ctx, deadline, j.Key, err):
		return auditSkipped
	case err != nil:
		return a.failed(ctx, err)
	case asks[0].Answer.Status != store.Granted: // another loads, or Redis is full
		return auditSkipped
	}
	if r := a.read(ctx, &a.first); r != auditOpen {
		return r
	}
	return a.expires()
}

// read reads what Redis has. What a read cannot find whole has been written since the hit.
func (a *audit) read(ctx context.Context, entry *store.Entry) AuditResult {
	err := a.engine.Store.Inspect(ctx, a.deadline(), a.job.Key, entry, true)
	switch {
	case store.IsBroken(err):
		return AuditOvertaken
	case err != nil:
		return a.failed(ctx, err)
	case entry.State == store.Missing, a.job.grant.lease.lease.HadValue() && a.engine.IsStale(entry.TTL):
		return AuditOvertaken
	}
	return auditOpen
}

// expires reports by AuditOvertaken that what the lease has replaced in the control key is about to
// expire: the lease does not carry it then, so that callers would wait for this audit.
func (a *audit) expires() AuditResult {
	lease := a.job.grant.lease.lease
	if _, left := lease.Beside(); !lease.HadValue() && (left <= a.engine.Lease || a.engine.IsStale(left)) {
		return AuditOvertaken
	}
	return auditOpen
}

func (a *audit) failed(ctx context.Context, cause error) AuditResult {
	_, _ = a.engine.Reporter.RedisError(ctx, a.request.Op, a.job.Key, cause)
	return AuditFailed
}

// errLate reaches no caller: LoadEvents report such loads.
var errLate = errors.New("the load of an audit took longer than LoadTimeout")

// compare loads, and compares that with what Redis has had at first.
func (a *audit) compare(ctx context.Context) (same bool, err error) {
	e, j := a.engine, a.job
	a.holdsLoad = false // the load releases it
	a.late = e.load(ctx, a.request, jobs{j}) != nil
	a.releaseLoad()
	if a.late {
		return false, errLate
	}
	if a.report.Loaded, err = a.auditor.Found(j); err != nil {
		return false, err
	}
	a.report.Cached, a.report.Fields = Present, nil
	if a.first.State == store.Absent {
		a.report.Cached = Absent
	}
	if a.report.Cached != a.report.Loaded || a.report.Loaded == Absent {
		return a.report.Cached == a.report.Loaded, nil
	}
	same, a.report.Fields, err = a.auditor.Compare(j, &a.first)
	return same, err
}

// auditTimedOut is the error of an audit's load that has run for LoadTimeout. No call gets it.
func (e *Engine) auditTimedOut(r *Run, j *Job, _ *loaderCall) error {
	return e.Reporter.LoadTimedOut(r.Op, j.Key, fmt.Errorf("%w, %v", errLate, e.LoadTimeout))
}
