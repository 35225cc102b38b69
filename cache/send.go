package cache

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// reportWrite tells what has become of a write that a caller has asked for.
func (c *core) reportWrite(ctx context.Context, e WriteEvent) {
	if e.Outcome == WriteOK && e.stores() {
		c.engine.LearnStored(e.Key)
		c.stats.stores.Add(1)
	}
	c.observer.write(ctx, e)
	c.reportLimit(ctx, e.Op, e.Key)
}

// stores reports whether the write puts something into Redis that was not there.
func (e *WriteEvent) stores() bool { return e.Op != OpDelete && e.Op != OpTouch }

// wrote tells that a write was answered: that it is done, or that there was nothing to do.
func (c *core) wrote(ctx context.Context, e WriteEvent, done bool) {
	if e.Outcome == WriteOK && !done {
		e.Outcome = WriteUnchanged
	}
	c.reportWrite(ctx, e)
}

// writeFailed tells that Redis has failed a write, which a delete of the key is to follow, and
// returns the error of that.
func (c *core) writeFailed(ctx context.Context, e WriteEvent, cause error, s sending) error {
	e.Err = c.redisError(ctx, e.Op, e.Key, store.Sized(cause, e.Bytes))
	e.Outcome = outcomeOf(cause)
	if !errors.Is(e.Err, ErrRedis) { // the caller has left, or Close came first
		e.Outcome = WriteCancelled
	}
	if s.begun && e.Op != OpTouch && !errors.Is(e.Err, ErrClosed) {
		c.redeliver(e.Op, e.Key, cause)
	}
	c.reportWrite(ctx, e)
	return e.Err
}

// write calls send, which sends what the event is to tell of, so that no load that began
// before it returns is stored afterwards.
func (c *core) write(ctx context.Context, deadline time.Time, e WriteEvent, send func() (done bool, err error)) (done bool, err error) {
	s := c.sending(ctx)
	err = c.engine.Write(ctx, deadline, []string{e.Key}, func() (err error) {
		done, err = send()
		return err
	})
	if err != nil {
		return false, c.writeFailed(ctx, e, err, s)
	}
	c.acknowledged(e, s)
	c.wrote(ctx, e, done)
	return done, nil
}
