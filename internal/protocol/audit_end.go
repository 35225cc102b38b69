package protocol

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/compare"
	"github.com/asidecache/aside/internal/store"
)

// maxPoll is the longest time between two looks at an entry that differs from its source. The audit
// holds its lease: once the entry is gone, others wait to load it.
const maxPoll = 100 * time.Millisecond

// await waits for Grace, and then for a place to load, as long as the entry stands.
func (a *audit) await(ctx context.Context) AuditResult {
	e, began := a.engine, time.Now()
	every := min(e.Audits.Grace, maxPoll)
	for poll := 0; ; poll++ {
		r := a.recheck(ctx)
		switch {
		case r == AuditLate && poll == 0: // it was written while the source was asked
			return AuditOvertaken
		case r != auditOpen:
			return r
		}
		left := e.Audits.Grace - time.Since(began)
		switch {
		case left <= 0 && a.tryAcquireLoad():
			return auditOpen
		case left < -e.LoadTimeout:
			return auditSkipped
		case left <= 0:
			left = every
		}
		select {
		case <-time.After(min(left, every)):
		case <-ctx.Done():
			return auditSkipped
		case <-e.closing:
			return auditSkipped
		}
	}
}

// recheck returns auditOpen if the lease and the entry stand as they were at first, and AuditLate
// if a write has removed the lease.
func (a *audit) recheck(ctx context.Context) AuditResult {
	if auditsUnfenced.Load() {
		return auditOpen
	}
	held, err := a.job.grant.lease.lease.Renew(ctx, a.deadline())
	switch {
	case err != nil:
		return a.failed(ctx, err)
	case !held:
		return AuditLate
	}
	var now store.Entry
	if r := a.read(ctx, &now); r != auditOpen {
		return r
	}
	if now.State != a.first.State || !compare.Answers(&now.Wire, &a.first.Wire) ||
		a.job.grant.lease.lease.HadValue() && (now.TTL > a.first.TTL || now.TTL == store.Forever && a.first.TTL != store.Forever) {
		return AuditOvertaken
	}
	return a.expires()
}

// end releases the lease. The result is one of two: that the lease had lasted until now says that
// no write came.
func (a *audit) end(ctx context.Context, lasted, lost AuditResult) AuditResult {
	e, held := a.engine, a.job.grant.lease
	if !held.end() { // LoadTimeout has passed
		return AuditFailed
	}
	defer e.leases.Done()
	stood, err := held.lease.Release(context.WithoutCancel(ctx), a.deadline())
	e.Waker.released(a.job.Key)
	switch {
	case auditsUnfenced.Load():
		return lasted
	case err != nil:
		return a.failed(ctx, err)
	case !stood:
		return lost
	}
	return lasted
}

// repair stores what was loaded in place of what nobody has invalidated, as a refresh does.
func (a *audit) repair(ctx context.Context) AuditResult {
	e, j := a.engine, a.job
	if j.loaded = a.request.Loader.Encode(ctx, j, 1); j.loaded.Err != nil {
		e.Reporter.Commit(ctx, a.request.Op, j.Key, j.loaded, j.loaded.Skip, j.loaded.Err)
		return a.end(ctx, AuditMissed, AuditLate)
	}
	if !j.grant.lease.end() {
		e.reportCommit(ctx, a.request, j, Fenced, nil)
		return AuditFailed
	}
	all, commits := jobs{j}, []store.Commit{e.commitOf(a.request, j)}
	defer e.ended(all, commits)
	ctx = context.WithoutCancel(ctx)
	e.written(all)
	e.Store.CommitAll(ctx, a.deadline(), commits)
	e.written(all)
	a.report.Repaired = e.committed(ctx, a.request, j, &commits[0])
	switch {
	case commits[0].Err != nil:
		return AuditFailed
	case !commits[0].Stored:
		return AuditLate
	}
	return AuditMissed
}
