package client

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// timeouts makes the contexts that bound commands by a timeout, for all stores of an executor that
// have it.
//
// A context.WithTimeout for every hit would cost as many allocations as the rest
// of it. So the contexts of one eighth of the timeout share a bucket and its timers: the
// deadline that a socket gets is exact, while a command that still waits for a connection
// is given up between 7/8 of the timeout and the whole.
type timeouts struct {
	executor *executor
	timeout  time.Duration
	lost     atomic.Pointer[loss] // what kept a command from its answer, the last time

	current atomic.Pointer[bucket]
	last    atomic.Pointer[bucket] // the one before
	renew   sync.Mutex             // held while current is replaced
}

// byTimeout has the timeouts of an executor.
type byTimeout struct {
	mu sync.Mutex
	of map[time.Duration]*timeouts
}

// timeoutsOf returns the timeouts of the stores that have this one.
func (x *executor) timeoutsOf(timeout time.Duration) *timeouts {
	all := &x.byTimeout
	all.mu.Lock()
	defer all.mu.Unlock()
	if p := all.of[timeout]; p != nil {
		return p
	}
	if all.of == nil {
		all.of = make(map[time.Duration]*timeouts)
	}
	all.of[timeout] = &timeouts{executor: x, timeout: timeout}
	return all.of[timeout]
}

// A bucket is the end of all contexts that begin within an eighth of the timeout.
//
// It ends in two steps. Those that wait for a connection, or to be sent again, give up when
// none can be made, which may be early; those that may have been sent wait for the answer
// until the timeout is over.
type bucket struct {
	of          *timeouts
	from, until time.Time     // contexts that begin later need the next bucket
	given       chan struct{} // closed by giveUp
	ended       chan struct{} // closed when the timeout is over
	dialing     atomic.Bool   // no connection could be made so far

	once sync.Once
	err  error // set before given is closed
}

// giveUp ends the wait for a connection. The first error stands.
func (w *bucket) giveUp(err error) {
	w.once.Do(func() {
		w.err = err
		close(w.given)
		w.of.executor.expireWaiting(w)
	})
}

// isGivenUp reports whether giveUp was called.
func (w *bucket) isGivenUp() bool {
	select {
	case <-w.given:
		return true
	default:
		return false
	}
}

// A loss is an error that kept a command from its answer.
type loss struct {
	err error
	at  time.Time
}

// has reports whether a context that begins at a time may end with the bucket.
func (w *bucket) has(began time.Time) bool {
	return w != nil && !began.Before(w.from) && began.Before(w.until)
}

// context returns ctx, bounded by now plus the timeout. A context with an earlier
// deadline of its own is returned as it is.
func (p *timeouts) context(ctx context.Context, now time.Time) context.Context {
	deadline := now.Add(p.timeout)
	if own, ok := ctx.Deadline(); ok && own.Before(deadline) {
		return ctx
	}
	return &deadlineContext{ctx, deadline, p.bucket(now)}
}

func (p *timeouts) bucket(now time.Time) *bucket {
	if w := p.current.Load(); w != nil && now.Before(w.until) {
		return w
	}
	p.renew.Lock()
	defer p.renew.Unlock()
	if w := p.current.Load(); w != nil && now.Before(w.until) {
		return w
	}
	w := &bucket{
		of: p, from: now, until: now.Add(p.timeout / 8),
		given: make(chan struct{}), ended: make(chan struct{}),
	}
	time.AfterFunc(time.Until(now.Add(p.timeout)), func() { p.end(w) })
	time.AfterFunc(time.Until(now.Add(p.timeout/4)), func() { p.executor.connect(w) })
	p.last.Store(p.current.Swap(w))
	return w
}

// record notes what was lost.
func (p *timeouts) record(err error) { p.lost.Store(&loss{err, time.Now()}) }

// end ends all that began within a bucket.
func (p *timeouts) end(w *bucket) {
	l := p.lost.Load()
	switch {
	case l != nil && !l.at.Before(w.from):
		w.giveUp(&overdueError{l.err})
	case w.dialing.Load():
		w.giveUp(&overdueError{errNoConnection})
	default:
		w.giveUp(context.DeadlineExceeded)
	}
	close(w.ended)
	p.executor.expireSent(w)
}

// until returns ctx, bounded by a deadline. Where most of the timeout is left until then it
// does what context does, for a command whose wait began a timeout before the deadline.
func (p *timeouts) until(
	ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc,
) {
	if own, ok := ctx.Deadline(); ok && own.Before(deadline) {
		return ctx, func() {}
	}
	left := time.Until(deadline)
	if left > p.timeout/2 && left <= p.timeout {
		if w := p.bucketOf(deadline.Add(-p.timeout)); w != nil {
			return &deadlineContext{ctx, deadline, w}, func() {}
		}
	}
	return context.WithDeadline(ctx, deadline)
}

// bucketOf returns the bucket of a context that has begun at a time, nil when it is no more.
func (p *timeouts) bucketOf(began time.Time) *bucket {
	w := p.current.Load()
	switch {
	case w.has(began):
		return w
	case w == nil || !began.Before(w.from):
		w = p.bucket(began) // or that of another caller, which began later
	default:
		w = p.last.Load()
	}
	if w.has(began) {
		return w
	}
	return nil
}

// A deadlineContext is a context with an earlier end. Its channel does not tell of the
// parent's cancellation: a synchronous command could not act on it anyway.
type deadlineContext struct {
	context.Context
	deadline time.Time
	bucket   *bucket
}

func (b *deadlineContext) Deadline() (time.Time, bool) { return b.deadline, true }

// Done is for go-redis: it is closed as soon as no further wait for a connection is of use.
func (b *deadlineContext) Done() <-chan struct{} { return b.bucket.given }

func (b *deadlineContext) Err() error {
	if b.bucket.isGivenUp() {
		return b.bucket.err
	}
	return b.Context.Err()
}

// ended is closed when a caller whose command may have been sent is to leave.
func ended(ctx context.Context) <-chan struct{} {
	if b, ok := ctx.(*deadlineContext); ok {
		return b.bucket.ended
	}
	return ctx.Done()
}

// cancelled is closed when the parent of a bounded context has ended.
func cancelled(ctx context.Context) <-chan struct{} {
	if b, ok := ctx.(*deadlineContext); ok {
		return b.Context.Done()
	}
	return nil
}
