package loader

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound is what a loader returns, as it is or wrapped, for a key that its
// source says does not exist. A cache remembers that as it remembers a value.
var ErrNotFound = errors.New("loader: not found")

// A Func obtains the value of one key from its source: a database, a service, a
// file. It is called by many goroutines at once.
//
// A nil error comes with the value, the zero value included. ErrNotFound says that
// the key does not exist. Any other error says that the source could not answer,
// and the value returned with it means nothing.
//
// A Func has to return soon after ctx is done, since nothing else can end it: a
// driver that ignores contexts needs a time limit of its own.
type Func[K comparable, V any] func(ctx context.Context, key K) (V, error)

// An EntryFunc is a Func that also says how its value is to be stored. Its errors
// mean what those of a Func mean.
type EntryFunc[K comparable, V any] func(ctx context.Context, key K) (Entry[V], error)

// An Entry is a value and how a cache is to store it.
type Entry[V any] struct {
	Value V

	// TTL is how long the value is kept; 0 leaves that to the cache, and an option TTL of
	// the call comes first. -1 means no end; a TTL that is over, any other negative one or
	// one below a millisecond, means NoStore.
	TTL time.Duration

	// NoStore returns the value to the callers that wait for it and stores nothing.
	NoStore bool
}

// NotFoundIf makes those errors of fn that is accepts mean ErrNotFound. The
// error that is returned is both: errors.Is finds ErrNotFound and fn's own error.
//
// is is called by many goroutines at once, with errors only, and not with those
// that are ErrNotFound already.
func NotFoundIf[K comparable, V any](fn Func[K, V], is func(error) bool) Func[K, V] {
	require(fn != nil, "NotFoundIf needs a loader, not nil")
	require(is != nil, "NotFoundIf needs a function that knows the errors, not nil")
	return func(ctx context.Context, key K) (V, error) {
		v, err := fn(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) && is(err) {
			err = fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return v, err
	}
}

// require panics with a sentence unless ok: a loader that is built wrongly is a
// mistake of the program, to be seen when it starts.
func require(ok bool, format string, args ...any) {
	if !ok {
		panic("loader: " + fmt.Sprintf(format, args...))
	}
}
