package protocol

import (
	"context"

	"github.com/asidecache/aside/internal/store"
)

// Degrade notes that Redis has failed the call, with this error, if the call can go on
// without: unless its context has ended, or the engine fails fast. Otherwise it returns the
// error of the call.
func (e *Engine) Degrade(ctx context.Context, r *Run, j *Job, cause error) error {
	err, failed := e.Reporter.RedisError(ctx, r.Op, j.Key, cause)
	if e.FailFast || !failed {
		return err
	}
	j.Degraded, j.DegradedBy = true, OutcomeOf(cause)
	return nil
}

// bypass degrades a job whose key counts as not cached: it is loaded, and not stored. A refresh
// asks Redis all the same, as it is what a caller may mend the key by.
func (e *Engine) bypass(ctx context.Context, r *Run, j *Job) error {
	if j.Degraded || r.Refresh || !e.Store.IsUndelivered(j.Key) {
		return nil
	}
	if e.FailFast {
		err, _ := e.Reporter.RedisError(ctx, r.Op, j.Key, store.ErrUndelivered)
		return err
	}
	j.Degraded, j.DegradedBy, j.bypassed = true, RedisFailed, true
	return nil
}
