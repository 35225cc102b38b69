package loader

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Retry calls fn up to n times in all, until it answers: with a value or with
// ErrNotFound. n is at least 1; 1 means no second try.
//
// Before the second call it pauses for backoff(1), before the third for
// backoff(2), and so on; a pause of 0 or less is none. backoff is called by many
// goroutines at once. [Exponential] makes one.
//
// The error of the last call is returned as it was. Once ctx is done there is no
// further call; a ctx that ends in a pause ends the pause, and the error then
// wraps both that of ctx and that of the last call. A panic is not tried again.
//
// To bound each try, put a Timeout inside; to bound all of them together, outside.
func Retry[K comparable, V any](fn Func[K, V], n int, backoff func(retry int) time.Duration) Func[K, V] {
	require(fn != nil, "Retry needs a loader, not nil")
	require(n > 0, "Retry needs at least 1 try, not %d", n)
	require(backoff != nil, "Retry needs a backoff, not nil")
	return func(ctx context.Context, key K) (V, error) {
		for try := 1; ; try++ {
			v, err := fn(ctx, key)
			if err == nil || errors.Is(err, ErrNotFound) || try == n || ctx.Err() != nil {
				return v, err
			}
			if ended := sleep(ctx, backoff(try)); ended != nil {
				return v, fmt.Errorf("loader: stopped after try %d of %d: %w: %w", try, n, ended, err)
			}
		}
	}
}

// Exponential returns a backoff for Retry: first before the second try, twice
// that before the third, and so on up to longest. Each pause is shortened at
// random, by half at most, so that callers that failed together do not return
// together. 0 < first <= longest is required.
func Exponential(first, longest time.Duration) func(retry int) time.Duration {
	require(0 < first && first <= longest,
		"Exponential needs a first pause above 0 and at most the longest, not %v and %v", first, longest)
	return func(retry int) time.Duration {
		pause := longest
		doublings := max(retry, 1) - 1
		if first <= longest>>doublings { // or first<<doublings could overflow
			pause = first << doublings
		}
		return pause - rand.N(pause/2+1)
	}
}

// sleep waits for d, at most until ctx is done, and returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err() // a timer that is due at once breaks race detection in a bubble of testing/synctest
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
