package loader

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Timeout limits each call of fn to the time d, which has to be more than 0.
//
// fn's context is done after d, with a deadline and a cause that says so. A fn
// that fails after that has timed out: the error reads "loader: timed out after
// 2s: " and the error of fn, and errors.Is finds context.DeadlineExceeded as well as
// fn's error. When the caller's context ends first, what fn returns is returned as
// it was.
//
// Timeout ends fn through its context and in no other way. A fn that ignores its
// context is waited for, so that no load runs unnoticed: it would still burden a
// source that is slow already, not counted by a Limit and concurrent to the next try of a
// Retry. For the same reason an answer, a value or ErrNotFound, counts even when it
// is late.
func Timeout[K comparable, V any](fn Func[K, V], d time.Duration) Func[K, V] {
	require(fn != nil, "Timeout needs a loader, not nil")
	require(d > 0, "Timeout needs a time above 0, not %v", d)
	// Compared by address: another Timeout of the same length is not this one.
	var expired error = &timeoutError{d}
	return func(ctx context.Context, key K) (V, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, d, expired)
		defer cancel()
		v, err := fn(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) && context.Cause(ctx) == expired {
			err = fmt.Errorf("%w: %w", expired, err)
		}
		return v, err
	}
}

// A timeoutError is the cause of a context that Timeout has ended.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("loader: timed out after %v", e.after) }
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }
