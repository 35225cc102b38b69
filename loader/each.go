package loader

import (
	"context"
	"errors"
	"sync"
)

// Each makes a BatchFunc of fn: it is called for each key, at most parallel keys
// of a batch at once, on goroutines that have ended when the batch returns.
// parallel is at least 1. To limit the calls of all batches together, put a Limit
// inside.
//
// The map holds what was obtained and is never nil. A key whose fn returns
// ErrNotFound is left out. A key whose fn fails does not stop the others: the
// error is then a *BatchError with the errors as they were, and with those of ctx
// for keys that had not been begun when it ended. A key that occurs twice is
// loaded once.
//
// When fn panics or calls runtime.Goexit, the context of the other calls is
// cancelled, no key is begun any more, and once they have returned the caller's
// goroutine gets the same: it exits, or panics with an error that holds the stack
// of the first panic and wraps its value where that is an error.
func Each[K comparable, V any](fn Func[K, V], parallel int) BatchFunc[K, V] {
	require(fn != nil, "Each needs a loader, not nil")
	require(parallel > 0, "Each needs at least 1 key at once, not %d", parallel)
	return func(ctx context.Context, keys []K) (map[K]V, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		b := batch[K, V]{
			fn:     fn,
			cancel: cancel,
			todo:   distinct(keys),
			values: make(map[K]V, len(keys)),
			errs:   make(map[K]error),
		}
		b.keys = len(b.todo)
		var workers sync.WaitGroup
		for range min(parallel, len(b.todo)) {
			workers.Go(func() { b.work(ctx) })
		}
		workers.Wait()
		return b.result()
	}
}

// A batch is one call of a BatchFunc made by Each.
type batch[K comparable, V any] struct {
	fn     Func[K, V]
	cancel context.CancelFunc
	keys   int

	mu     sync.Mutex // guards what follows until all workers have ended
	todo   []K
	values map[K]V
	errs   map[K]error
	crash  crash
}

// work loads one key after another until none is left.
func (b *batch[K, V]) work(ctx context.Context) {
	for {
		key, ok := b.next()
		if !ok {
			return
		}
		if err := ctx.Err(); err != nil {
			b.failed(key, err)
			continue
		}
		b.load(ctx, key)
	}
}

func (b *batch[K, V]) next() (key K, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.todo) == 0 {
		return key, false
	}
	key, b.todo = b.todo[0], b.todo[1:]
	return key, true
}

// load calls fn and records how that ended, whichever way it did.
func (b *batch[K, V]) load(ctx context.Context, key K) {
	returned := false
	defer func() {
		if !returned {
			b.abort(recover())
		}
	}()
	v, err := b.fn(ctx, key)
	returned = true
	switch {
	case err == nil:
		b.loaded(key, v)
	case !errors.Is(err, ErrNotFound):
		b.failed(key, err)
	}
}

func (b *batch[K, V]) loaded(key K, v V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = v
}

func (b *batch[K, V]) failed(key K, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs[key] = err
}

// abort ends the batch: fn has panicked with a value, or with nil exited.
func (b *batch[K, V]) abort(value any) {
	b.cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.crash.record(value)
}

// result returns what all the workers have found, on the caller's goroutine.
func (b *batch[K, V]) result() (map[K]V, error) {
	b.crash.repeat()
	if len(b.errs) > 0 {
		return b.values, &BatchError[K]{Errs: b.errs, Keys: b.keys}
	}
	return b.values, nil
}

// distinct returns a copy of keys in which none occurs twice.
func distinct[K comparable](keys []K) []K {
	seen := make(map[K]struct{}, len(keys))
	once := make([]K, 0, len(keys))
	for _, key := range keys {
		if _, ok := seen[key]; !ok {
			seen[key] = struct{}{}
			once = append(once, key)
		}
	}
	return once
}
