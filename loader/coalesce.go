package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Coalesce makes a Func of batch: loads of single keys that come close together
// become one call of batch, for at most max keys, none of them twice. window is at
// least 0, max at least 1.
//
// The first load opens a batch, and those that come after it join. The batch is
// sent when window has passed since the first, or at once when it holds max keys.
// So no load waits longer than window before it is begun, and one that stays alone
// waits that long, since nobody can know that it will. Batches are filled and sent
// in the order in which the loads came, and run beside each other; a load joins
// none that has been sent, so that what it gets was read after it was asked for.
//
// Each caller gets the answer for its own key: the value, ErrNotFound if batch left
// the key out, or the key's own error if batch returned a *BatchError. Any other
// error of batch, a wrapped *BatchError included, is for all of its callers. So is
// a panic or a runtime.Goexit: it reaches the goroutine of each, a panic with an
// error that holds its stack and wraps its value where that is an error. Callers of
// the same key share its value, and whatever that points to.
//
// A caller leaves when its context is done, at once, with an error that wraps that
// of the context. A key that nobody waits for any more is not asked for if its batch
// has not been sent. batch gets a context with the values of the caller that opened
// the batch, but not with its end: it is cancelled when nobody waits any more. batch
// runs on a goroutine that ends when it returns; between batches there is none.
//
// Around a Coalesce, a Timeout counts the wait for the window too; a Retry puts each
// try into a batch of its own time; and a Limit, or the MaxLoads of a cache, counts
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
	open *party[K, V] // the one that loads join, nil for none; guarded by mu
}

func (c *coalescer[K, V]) load(ctx context.Context, key K) (v V, err error) {
	if err := ctx.Err(); err != nil {
		return v, err
	}
	p, s := c.join(ctx, key)
	select {
	case <-p.done:
		return p.answer(key)
	case <-ctx.Done():
		c.leave(p, s)
		return v, fmt.Errorf("loader: waited for a batch to be loaded: %w", ctx.Err())
	}
}

// join adds a caller to the open party, and sends that off when it is full.
func (c *coalescer[K, V]) join(ctx context.Context, key K) (*party[K, V], *seat[K]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.open
	if p == nil {
		p = newParty[K, V](ctx)
	}
	s := p.seat(key) // panics for a key without a hash, when nothing has changed yet
	if c.open == nil {
		c.open = p
		p.timer = time.AfterFunc(c.window, func() { c.due(p) })
	}
	s.waiting++
	p.waiting++
	if len(p.order) == c.max {
		c.close(p)
		go p.run(c.batch)
	}
	return p, s
}

// due sends off a party whose window has passed.
func (c *coalescer[K, V]) due(p *party[K, V]) {
	c.mu.Lock()
	ours := c.open == p // or it has been sent, or left by all
	if ours {
		c.close(p)
	}
	c.mu.Unlock()
	if ours {
		p.run(c.batch)
	}
}

// close makes p one that nobody joins. Called with mu held.
func (c *coalescer[K, V]) close(p *party[K, V]) {
	p.timer.Stop()
	c.open = nil
}

// leave is called for a caller that does not wait any longer.
func (c *coalescer[K, V]) leave(p *party[K, V], s *seat[K]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.waiting--
	p.waiting--
	if c.open == p && s.waiting == 0 {
		p.unseat(s)
	}
	if p.waiting > 0 {
		return
	}
	p.cancel()
	if c.open == p {
		c.close(p)
	}
}

// A party is the callers that share one call of the batch function.
type party[K comparable, V any] struct {
	ctx    context.Context // of the call
	cancel context.CancelFunc
	timer  *time.Timer   // ends the window
	done   chan struct{} // closed when the call has ended

	// Guarded by the coalescer's mu. Seats are taken and given up only while the
	// party is open, so its call reads order without the lock.
	waiting int // callers that wait now
	seats   map[K]*seat[K]
	order   []*seat[K] // as they were taken

	// Set by the call, constant once done is closed.
	crash  crash
	values map[K]V
	failed map[K]error // the errors of single keys
	err    error       // the error of them all
}

// A seat is one key of a party.
type seat[K comparable] struct {
	key     K
	waiting int // callers that wait for it now
}

func newParty[K comparable, V any](ctx context.Context) *party[K, V] {
	p := &party[K, V]{done: make(chan struct{}), seats: make(map[K]*seat[K])}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return p
}

func (p *party[K, V]) seat(key K) *seat[K] {
	s := p.seats[key]
	if s == nil {
		s = &seat[K]{key: key}
		p.seats[key] = s
		p.order = append(p.order, s)
	}
	return s
}

func (p *party[K, V]) unseat(s *seat[K]) {
	delete(p.seats, s.key)
	i := slices.Index(p.order, s)
	p.order = slices.Delete(p.order, i, i+1)
}

// run calls the batch function and notes how that ended, whichever way it did.
func (p *party[K, V]) run(batch BatchFunc[K, V]) {
	defer close(p.done)
	defer p.cancel()
	returned := false
	defer func() {
		if !returned {
			p.crash.note(recover())
		}
	}()
	keys := make([]K, len(p.order))
	for i, s := range p.order {
		keys[i] = s.key
	}
	values, err := batch(p.ctx, keys)
	// Not errors.As: an error that wraps a BatchError may speak of something else,
	// and would make keys absent that it does not name.
	if partial, ok := err.(*BatchError[K]); ok {
		p.values, p.failed = values, partial.Errs
	} else {
		p.values, p.err = values, err
	}
	returned = true
}

// errUnexplained is for a key that a BatchError names with a nil error.
var errUnexplained = errors.New("loader: the batch failed for this key and did not say why")

// answer returns, when the call has ended, what it means for one key.
func (p *party[K, V]) answer(key K) (v V, err error) {
	p.crash.repeat()
	if p.err != nil {
		return v, p.err
	}
	if err, failed := p.failed[key]; failed {
		if err == nil {
			err = errUnexplained
		}
		return v, err
	}
	v, ok := p.values[key]
	if !ok {
		return v, ErrNotFound
	}
	return v, nil
}
