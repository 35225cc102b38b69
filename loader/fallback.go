package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Fallback asks the sources in their order, one after another, until one answers:
// with a value or with ErrNotFound. At least one is required.
//
// ErrNotFound of any source ends the search, so each source has to know every key. Let
// one that does not, such as a replica that lags, return another error than ErrNotFound
// for a key it does not have: the next is asked then, and if that one fails, the key is
// not taken for absent.
//
// When all have failed, the error wraps the errors of all, in their order. Once
// ctx is done no further source is asked, and the error wraps those so far.
func Fallback[K comparable, V any](fns ...Func[K, V]) Func[K, V] {
	require(len(fns) > 0, "Fallback needs at least 1 loader")
	for i, fn := range fns {
		require(fn != nil, "Fallback needs loaders, number %d is nil", i+1)
	}
	fns = slices.Clone(fns) // the caller may use its slice again
	return func(ctx context.Context, key K) (v V, err error) {
		var failed []error
		for i, fn := range fns {
			v, err = fn(ctx, key)
			if err == nil || errors.Is(err, ErrNotFound) {
				return v, err
			}
			failed = append(failed, fmt.Errorf("loader: source %d of %d: %w", i+1, len(fns), err))
			if ctx.Err() != nil {
				break
			}
		}
		return v, errors.Join(failed...)
	}
}
