package client

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/relay"
	"github.com/asidecache/aside/internal/stack"
)

// Errors of commands that were not sent.
var (
	// ErrUnanswered: Redis leaves too many commands unanswered, no further one is
	// sent.
	ErrUnanswered = errors.New("too many commands are still unanswered by Redis")
	// errNoAnswer: a hook of the client has ended the goroutine.
	errNoAnswer = errors.New("the command was given up by a hook of the client")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("the store is closed")
)

// maxAbandoned is how many commands of a client may be abandoned before no further one is
// sent.
const maxAbandoned = 512

// detached keeps count of the commands that run on goroutines of their own, since their
// client does not leave at a deadline. One is abandoned when its caller has given it up and
// its client has not ended it yet.
type detached struct {
	abandoned *atomic.Int32 // of all stores on the client

	mu      sync.Mutex // guards all below
	running int
	closed  atomic.Bool   // may be read without mu
	idle    chan struct{} // made by close, closed when nothing runs any more
}

// A callSlot is the place of one command in the count; detached.mu guards it.
type callSlot struct {
	of               *detached
	ended, abandoned bool
	sent             []*sent // what is under way
}

func (d *detached) enter() (*callSlot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed.Load():
		return nil, ErrClosed
	case d.abandoned.Load() >= maxAbandoned:
		return nil, ErrUnanswered
	}
	d.running++
	return &callSlot{of: d}, nil
}

// abandon returns what was sent and has not been answered.
func (d *detached) abandon(t *callSlot) []*sent {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.ended {
		return nil
	}
	t.abandoned = true
	d.abandoned.Add(1)
	return slices.Clone(t.sent)
}

func (d *detached) leave(t *callSlot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t.ended = true
	d.running--
	if t.abandoned {
		d.abandoned.Add(-1)
	}
	if d.closed.Load() && d.running == 0 {
		close(d.idle)
	}
}

// close lets no further command in. The channel is closed when none runs any more.
func (d *detached) close() (idle <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed.Swap(true) {
		d.idle = make(chan struct{})
		if d.running == 0 {
			close(d.idle)
		}
	}
	return d.idle
}

// Close waits for the store's commands that have been abandoned or share a pipeline, but not
// longer than one answer may take: their client ends them in its own time. Commands of other
// stores go on. Of commands that are sent later some fail with ErrClosed, those that share a
// pipeline or that their client would not leave.
func (c *Client) Close() {
	late, cancel := context.WithTimeout(context.Background(), c.timeouts.timeout)
	defer cancel()
	c.breakers.changes.unwatch(c)
	ends := []<-chan struct{}{c.detached.close()}
	for _, p := range c.pipelines() {
		ends = append(ends, p.of(c)...)
	}
	await(late, ends...)
	c.released.Do(func() {
		if c.release() {
			c.journal.end()
			await(late, c.executor.detached.close(), c.breakers.end(), c.reloads.end(), c.undelivered.end())
		}
	})
}

// await returns when all channels are closed, or ctx has ended.
func await(ctx context.Context, ends ...<-chan struct{}) {
	for _, end := range ends {
		select {
		case <-end:
		case <-ctx.Done():
			return
		}
	}
}

// Run calls fn, which sends commands, and returns what it does, or the error of
// ctx when that ends first. In the latter case fn may go on: it must write to
// nothing that its caller uses after an error.
func Run[T any](ctx context.Context, c *Client, fn func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	v, err := none, error(nil)
	if c.synchronous {
		v, err = fn(ctx)
	} else {
		v, err = detach(ctx, &c.detached, fn)
	}
	c.RecordLoss(err)
	return v, err
}

// RecordLoss notes what kept a command from its answer.
func (c *Client) RecordLoss(err error) {
	if err == nil || IsOpen(err) {
		return
	}
	var answered redis.Error
	if errors.As(err, &answered) || IsBroken(err) || errors.Is(err, context.Canceled) {
		return
	}
	if !isTimeout(err) && err != ErrClosed && err != ErrUnanswered {
		c.timeouts.record(err)
	}
}

// RecordLosses is RecordLoss for what became of many commands, which may be of several masters.
func (c *Client) RecordLosses(errs []error) {
	for _, err := range errs {
		c.RecordLoss(err)
	}
}

// detach calls fn on a goroutine of its own.
func detach[T any](
	ctx context.Context, d *detached, fn func(context.Context) (T, error),
) (T, error) {
	var none T
	t, err := d.enter()
	if err != nil {
		return none, err
	}
	type answer struct {
		v     T
		err   error
		crash *relay.Crash // by a hook of the client
	}
	answered := make(chan answer, 1)
	go func() {
		stack.Grow()
		defer d.leave(t)
		a := answer{err: errNoAnswer}
		relay.Catch(func() { a.v, a.err = fn(t.in(ctx)) }, func(c *relay.Crash) {
			a.crash = c
			answered <- a
		})
	}()
	select {
	case a := <-answered:
		if a.crash.IsPanic() {
			a.crash.Repeat() // where it would have been without the goroutine
		}
		return a.v, a.err
	case <-ended(ctx):
	case <-cancelled(ctx):
	}
	err = ctx.Err()
	for _, s := range d.abandon(t) {
		s.abandoned(err)
	}
	return none, err
}

// RunUntil is Run for commands that are off the hot path.
func RunUntil[T any](
	ctx context.Context, c *Client, deadline time.Time, fn func(context.Context) (T, error),
) (T, error) {
	ctx, cancel := c.WithDeadline(ctx, deadline)
	defer cancel()
	return Run(ctx, c, fn)
}
