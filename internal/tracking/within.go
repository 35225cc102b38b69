package tracking

import "context"

// An outcome is what a function has returned.
type outcome[T any] struct {
	value T
	err   error
}

// within calls ask on a goroutine, and returns when that has ended or ctx ends: go-redis does not
// heed the end of a context while it waits for the answer of a server, or of a Sentinel. What ask
// returns later, without an error, is discarded.
func within[T any](ctx context.Context, ask func() (T, error), discard func(T)) (T, error) {
	answered := make(chan outcome[T])
	go func() {
		value, err := ask()
		select {
		case answered <- outcome[T]{value, err}:
		case <-ctx.Done():
			if err == nil {
				discard(value)
			}
		}
	}()
	select {
	case o := <-answered:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
