package keyspace

import (
	"context"
	"math"
	"runtime"
)

// AuditAtOnce has each hit audited before its call returns, as Audit.MaxPerSecond of a cache. It is
// for package cachetest.
const AuditAtOnce = math.MinInt

type auditedCall struct{}

// WithAuditedCall returns a context that tells where the goroutine is, for AuditedCall.
func WithAuditedCall(ctx context.Context) context.Context {
	pcs := make([]uintptr, 64)
	return context.WithValue(ctx, auditedCall{}, pcs[:runtime.Callers(2, pcs)])
}

// AuditedCall returns the stack of the call whose hit is audited, as from runtime.Callers. The
// context is the one that an observer gets with the event.
func AuditedCall(ctx context.Context) []uintptr {
	pcs, _ := ctx.Value(auditedCall{}).([]uintptr)
	return pcs
}
