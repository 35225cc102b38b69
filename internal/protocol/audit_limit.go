package protocol

import "context"

// tryAcquireLoad reports whether the audit may load now, by both limits.
func (a *audit) tryAcquireLoad() bool {
	e := a.engine
	if a.holdsAudit = e.auditLimit.tryAcquire(); !a.holdsAudit {
		return false
	}
	if a.holdsLoad = e.limit.tryAcquire(); !a.holdsLoad {
		a.releaseLoad()
	}
	return a.holdsLoad
}

// acquireLoad is tryAcquireLoad that waits, unless a loader waits for this audit: that one counts
// under the same limit.
func (a *audit) acquireLoad(ctx context.Context) bool {
	e := a.engine
	switch {
	case a.holdsLoad, a.tryAcquireLoad():
	case a.waits && e.limit.loaderOf(ctx) == nil:
		a.holdsLoad = e.limit.acquire(ctx, nil) == nil // AuditNow knows no other limit
	}
	return a.holdsLoad
}

// releaseLoad gives back what the audit holds of both limits.
func (a *audit) releaseLoad() {
	e := a.engine
	if a.holdsAudit {
		e.auditLimit.release()
	}
	if a.holdsLoad {
		e.limit.release()
	}
	a.holdsAudit, a.holdsLoad = false, false
}
