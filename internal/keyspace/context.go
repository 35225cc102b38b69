package keyspace

import (
	"context"
	"time"
)

// Ended returns the error of a context that has ended, and its cause; nil for one that
// has not. A socket deadline can be noticed a moment before the context's own timer.
func Ended(ctx context.Context) (kind, cause error) {
	kind = ctx.Err()
	if deadline, ok := ctx.Deadline(); ok && kind == nil && !time.Now().Before(deadline) {
		kind = context.DeadlineExceeded
	}
	if kind == nil {
		return nil, nil
	}
	if cause = context.Cause(ctx); cause == nil {
		cause = kind
	}
	return kind, cause
}
