package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// patience makes the contexts that bound commands by the store's timeout.
//
// A context.WithTimeout for every hit would cost as many allocations as the rest
// of it. So the contexts of one eighth of the timeout share a channel, closed by
// one timer: the deadline that a socket gets is exact, while a command that still
// waits for a connection is given up between 7/8 of the timeout and the whole.
type patience struct {
	timeout time.Duration

	current atomic.Pointer[window]
	renew   sync.Mutex // held while current is replaced
}

// A window is the end of all contexts that begin within an eighth of the timeout.
type window struct {
	until time.Time // contexts that begin later need the next window
	ended chan struct{}
}

// context returns ctx, bounded by now plus the timeout. A context with an earlier
// deadline of its own is returned as it is.
func (p *patience) context(ctx context.Context, now time.Time) context.Context {
	deadline := now.Add(p.timeout)
	if own, ok := ctx.Deadline(); ok && own.Before(deadline) {
		return ctx
	}
	return &bounded{ctx, deadline, p.window(now).ended}
}

func (p *patience) window(now time.Time) *window {
	if w := p.current.Load(); w != nil && now.Before(w.until) {
		return w
	}
	p.renew.Lock()
	defer p.renew.Unlock()
	if w := p.current.Load(); w != nil && now.Before(w.until) {
		return w
	}
	w := &window{until: now.Add(p.timeout / 8), ended: make(chan struct{})}
	time.AfterFunc(p.timeout, func() { close(w.ended) })
	p.current.Store(w)
	return w
}

// bounded is a context with an earlier end. Its channel does not tell of the
// parent's cancellation: a synchronous command could not act on it anyway.
type bounded struct {
	context.Context
	deadline time.Time
	ended    <-chan struct{}
}

func (b *bounded) Deadline() (time.Time, bool) { return b.deadline, true }

func (b *bounded) Done() <-chan struct{} { return b.ended }

func (b *bounded) Err() error {
	select {
	case <-b.ended:
		return context.DeadlineExceeded
	default:
		return b.Context.Err()
	}
}

// cancelled is closed when the parent of a bounded context has ended.
func cancelled(ctx context.Context) <-chan struct{} {
	if b, ok := ctx.(*bounded); ok {
		return b.Context.Done()
	}
	return nil
}
