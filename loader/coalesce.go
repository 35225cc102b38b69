package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Coalesce makes a Func of batch: loads of single keys that begin close together
// become one call of batch, for at most max keys, none of them twice. window is at
// least 0, max at least 1.
//
// The first load opens a batch, and those that come after it join. The batch is
// sent when window has passed since the first, or at once when it holds max keys.
// So no load waits longer than window before it is sent, and one that stays alone
// waits that long, since it cannot be known that it will. Batches are filled and sent
// in the order in which the loads were called, and run concurrently; a load never joins
// a batch that has been sent, so that what it returns was read after its call.
//
// Each caller gets the answer for its own key: the value, ErrNotFound if batch left
// the key out, or the key's own error if batch returned a *BatchError. Any other
// error of batch, a wrapped *BatchError included, is for all of its callers. So is
// a panic or a runtime.Goexit: it is repeated in the goroutine of each, a panic with an
// error that holds its stack and wraps its value where that is an error. Callers of
// the same key share its value, and whatever that points to.
//
// A caller leaves when its context is done, at once, with an error that wraps that
// of the context. A key that no caller waits for any more is left out of its batch if that
// has not been sent. The context of batch has the values of that of the caller that opened
// the batch, but not its end: it is cancelled when no caller waits any more. batch
// runs on a goroutine that ends when it returns; between batches there is none.
//
// Around a Coalesce, a Timeout includes the wait for the window; a Retry makes each
// try part of a later batch; and a Limit, or the MaxLoads of a cache, counts
// the loads that wait: below max, no batch is ever full, and each waits for its
// window. To limit the calls of batch, do so in batch.
func Coalesce[K comparable, V any](batch BatchFunc[K, V], window time.Duration, max int) Func[K, V] {
	require(batch != nil, "Coalesce needs a loader of batches, not nil")
	require(window >= 0, "Coalesce needs a window of at least 0, not %v", window)
	require(max > 0, "Coalesce needs at least 1 key a batch, not %d", max)
	c := &coalescer[K, V]{batch: batch, window: window, max: max}
	return c.load
}

// A coalescer is one loader made by Coalesce.
type coalescer[K comparable, V any] struct {
	batch  BatchFunc[K, V]
	window time.Duration
	max    int

	mu   sync.Mutex
	open *mergedCall[K, V] // the one that loads join, nil for none; guarded by mu
}

func (c *coalescer[K, V]) load(ctx context.Context, key K) (v V, err error) {
	if err := ctx.Err(); err != nil {
		return v, err
	}
	m, w := c.join(ctx, key)
	select {
	case <-m.done:
		return m.answer(key)
	case <-ctx.Done():
		c.leave(m, w)
		return v, fmt.Errorf("loader: waited for a batch to be loaded: %w", ctx.Err())
	}
}

// join adds a caller to the open call, and starts that when it is full.
func (c *coalescer[K, V]) join(ctx context.Context, key K) (*mergedCall[K, V], *waiters[K]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.open
	if m == nil {
		m = newMergedCall[K, V](ctx)
	}
	w := m.add(key) // panics for a key without a hash, when nothing has changed yet
	if c.open == nil {
		c.open = m
		m.timer = time.AfterFunc(c.window, func() { c.due(m) })
	}
	w.waiting++
	m.waiting++
	if len(m.order) == c.max {
		c.close(m)
		go m.run(c.batch)
	}
	return m, w
}

// due starts a call whose window has passed.
func (c *coalescer[K, V]) due(m *mergedCall[K, V]) {
	c.mu.Lock()
	ours := c.open == m // or it was started, or left by all
	if ours {
		c.close(m)
	}
	c.mu.Unlock()
	if ours {
		m.run(c.batch)
	}
}

// close makes m a call that no caller joins. Called with mu held.
func (c *coalescer[K, V]) close(m *mergedCall[K, V]) {
	m.timer.Stop()
	c.open = nil
}

// leave is called for a caller that does not wait any longer.
func (c *coalescer[K, V]) leave(m *mergedCall[K, V], w *waiters[K]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.waiting--
	m.waiting--
	if c.open == m && w.waiting == 0 {
		m.remove(w)
	}
	if m.waiting > 0 {
		return
	}
	m.cancel()
	if c.open == m {
		c.close(m)
	}
}

// A mergedCall is one call of the batch function for the keys of several callers.
type mergedCall[K comparable, V any] struct {
	ctx    context.Context // of the call
	cancel context.CancelFunc
	timer  *time.Timer   // ends the window
	done   chan struct{} // closed when the call has ended

	// Guarded by the coalescer's mu. Keys are added and removed only while the call is
	// open, so that run reads order without the lock.
	waiting int // callers that wait now
	keys    map[K]*waiters[K]
	order   []*waiters[K] // as they were added

	// Set by run, constant once done is closed.
	crash  crash
	values map[K]V
	failed map[K]error // the errors of single keys
	err    error       // the error of them all
}

// waiters are the callers of one key of a call.
type waiters[K comparable] struct {
	key     K
	waiting int // how many wait now
}

func newMergedCall[K comparable, V any](ctx context.Context) *mergedCall[K, V] {
	m := &mergedCall[K, V]{done: make(chan struct{}), keys: make(map[K]*waiters[K])}
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return m
}

func (m *mergedCall[K, V]) add(key K) *waiters[K] {
	w := m.keys[key]
	if w == nil {
		w = &waiters[K]{key: key}
		m.keys[key] = w
		m.order = append(m.order, w)
	}
	return w
}

func (m *mergedCall[K, V]) remove(w *waiters[K]) {
	delete(m.keys, w.key)
	i := slices.Index(m.order, w)
	m.order = slices.Delete(m.order, i, i+1)
}

// run calls the batch function and records how that ended, whichever way it did.
func (m *mergedCall[K, V]) run(batch BatchFunc[K, V]) {
	defer close(m.done)
	defer m.cancel()
	returned := false
	defer func() {
		if !returned {
			m.crash.record(recover())
		}
	}()
	keys := make([]K, len(m.order))
	for i, w := range m.order {
		keys[i] = w.key
	}
	values, err := batch(m.ctx, keys)
	// Not errors.As: an error that wraps a BatchError may be about something else,
	// and would make keys absent that it does not name.
	if partial, ok := err.(*BatchError[K]); ok {
		m.values, m.failed = values, partial.Errs
	} else {
		m.values, m.err = values, err
	}
	returned = true
}

// errUnexplained is for a key that a BatchError names with a nil error.
var errUnexplained = errors.New("loader: the batch failed for this key and did not say why")

// answer returns, when the call has ended, what it means for one key.
func (m *mergedCall[K, V]) answer(key K) (v V, err error) {
	m.crash.repeat()
	if m.err != nil {
		return v, m.err
	}
	if err, failed := m.failed[key]; failed {
		if err == nil {
			err = errUnexplained
		}
		return v, err
	}
	v, ok := m.values[key]
	if !ok {
		return v, ErrNotFound
	}
	return v, nil
}
