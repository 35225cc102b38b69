package loader

import (
	"context"
	"fmt"
)

// Limit lets at most n calls of fn run at once, counted over all callers of the
// loader it returns. n is at least 1. Each Limit counts for itself.
//
// The others wait, first come, first served, until a call ends or their context
// does: then the error wraps that of the context and fn is not called. A call has
// ended when fn has returned, panicked or called runtime.Goexit.
//
// A fn that asks for another key through the same limit can wait for itself for
// ever: use another limit for nested loads.
func Limit[K comparable, V any](fn Func[K, V], n int) Func[K, V] {
	require(fn != nil, "Limit needs a loader, not nil")
	require(n > 0, "Limit needs at least 1 call at once, not %d", n)
	running := make(chan struct{}, n)
	return func(ctx context.Context, key K) (v V, err error) {
		if err := ctx.Err(); err != nil {
			return v, err
		}
		select {
		case running <- struct{}{}:
			defer func() { <-running }()
			return fn(ctx, key)
		case <-ctx.Done():
			return v, fmt.Errorf("loader: waited for one of %d running loads to end: %w", n, ctx.Err())
		}
	}
}
