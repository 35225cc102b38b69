package protocol

import (
	"context"
	"sync"
	"time"
)

// A loadContext is the context of a loader: that of its flight, bounded by LoadTimeout. Many
// loaders do not look at it. So what tells of its end, and needs a timer, is made when it is asked
// for.
type loadContext struct {
	context.Context // of the flight
	deadline        time.Time

	mu    sync.Mutex // guards all below
	inner context.Context
	stop  context.CancelFunc // of inner
	err   error              // the first one stands
}

func (c *loadContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *loadContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.stop = context.WithDeadline(c.Context, c.deadline)
		if c.err != nil {
			c.stop()
		}
	}
	return c.inner.Done()
}

func (c *loadContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
	case c.inner != nil:
		c.err = c.inner.Err()
	case c.Context.Err() != nil:
		c.err = c.Context.Err()
	case !time.Now().Before(c.deadline):
		c.err = context.DeadlineExceeded
	}
	return c.err
}

// Value leads to inner, too: by that contexts that are made of this one need no goroutine.
func (c *loadContext) Value(key any) any {
	if inner := c.made(); inner != nil {
		return inner.Value(key)
	}
	return c.Context.Value(key)
}

func (c *loadContext) made() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inner
}

// expire is called at the deadline. What is made of the context is to end by that as well, and not
// by what is cancelled then.
func (c *loadContext) expire() {
	if inner := c.made(); inner != nil {
		<-inner.Done()
	}
	_ = c.Err()
}

// end is called when the loader has returned, and Err was if that has told how its time has ended.
func (c *loadContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && c.inner != nil {
		c.err = c.inner.Err()
	}
	if c.err == nil {
		c.err = context.Canceled
	}
	if c.stop != nil {
		c.stop()
	}
}
