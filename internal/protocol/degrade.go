package protocol

import "context"

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
