package cache

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/pipeline"
	"github.com/asidecache/aside/internal/store"
)

// What the operations of a Queue do when their pipeline is sent. Little of it has type parameters:
// code that has is compiled again for the types of each cache.

// A reading is a read in a pipeline.
type reading struct {
	core        *core
	lookup      *lookup
	step        store.Step
	undelivered bool
}

func (c *core) reading(l *lookup, step store.Step) *reading {
	return &reading{core: c, lookup: l, step: step}
}

// operation is the read as a step that begins when the pipeline is sent.
func (r *reading) operation() pipeline.Operation {
	o := r.core.operation(r.step)
	o.Begin = func(_ context.Context, now time.Time) (func(), error) {
		r.lookup.began = now
		r.undelivered = r.core.store.IsUndelivered(r.lookup.redisKey)
		return func() {}, nil
	}
	return o
}

// end ends the read, for which there was an error of Redis or none; inspected makes sense of what
// was found.
func (r *reading) end(ctx context.Context, err error, inspected func(context.Context, error) error) error {
	if r.undelivered && (err == nil || store.IsBroken(err)) {
		r.lookup.entry.SetMissing()
		err = nil
	}
	if err := inspected(ctx, err); err != nil {
		return r.core.unanswered(ctx, r.lookup, err)
	}
	r.core.found(ctx, r.lookup)
	return nil
}

// queueRead queues a read; result is called if it succeeds.
func queueRead[T any](
	p pipeline.Pipeline, r *reading, inspected func(context.Context, error) error, result func() T,
) *Future[T] {
	return pipeline.Add(p, r.operation(), func(ctx context.Context, err error) (v T, _ error) {
		if err := r.end(ctx, err, inspected); err != nil {
			return v, err
		}
		return result(), nil
	})
}

// A writing is a write in a pipeline.
type writing struct {
	core    *core
	step    *store.Write
	event   WriteEvent
	ends    func() // called when Redis has acknowledged the write
	sending sending
}

func (c *core) writing(step *store.Write, event WriteEvent, ends func()) *writing {
	return &writing{core: c, step: step, event: event, ends: ends, sending: sending{begun: true}}
}

func (w *writing) operation() pipeline.Operation {
	o := w.core.operation(w.step)
	o.Begin = w.core.fencing(w.event.Key, &w.sending)
	return o
}

// end ends the write, for which there was an error of Redis or none.
func (w *writing) end(ctx context.Context, err error) error {
	if err != nil {
		return w.core.writeFailed(ctx, w.event, err, w.sending)
	}
	w.core.acknowledged(w.event, w.sending)
	w.core.wrote(ctx, w.event, w.step.Done)
	w.ends()
	return nil
}

// queueWrite queues a write.
func queueWrite(p pipeline.Pipeline, w *writing) *Future[struct{}] {
	return pipeline.Add(p, w.operation(), func(ctx context.Context, err error) (none struct{}, _ error) {
		return none, w.end(ctx, err)
	})
}

// queueWriteIf queues a write that may store nothing; the result is whether it did.
func queueWriteIf(p pipeline.Pipeline, w *writing) *Future[bool] {
	return pipeline.Add(p, w.operation(), func(ctx context.Context, err error) (bool, error) {
		err = w.end(ctx, err)
		return err == nil && w.step.Done, err
	})
}

// queueDelete queues a delete; ends is called when Redis has acknowledged it.
func (c *core) queueDelete(p pipeline.Pipeline, key string, ends func()) *Future[struct{}] {
	o := c.operation(c.store.DeleteStep(key))
	s := sending{begun: true}
	o.Begin = c.fencing(key, &s)
	return pipeline.Add(p, o, func(ctx context.Context, err error) (none struct{}, _ error) {
		if err != nil {
			return none, c.writeFailed(ctx, deletion(key), err, s)
		}
		c.acknowledged(deletion(key), s)
		c.engine.LearnDeleted(key)
		c.reportWrite(ctx, deletion(key))
		ends()
		return none, nil
	})
}

// queueTouch queues a Touch; ends is called when Redis has acknowledged it.
func (c *core) queueTouch(p pipeline.Pipeline, event WriteEvent, ends func()) *Future[bool] {
	step := c.store.TouchStep(event.Key, event.TTL)
	o := c.operation(step)
	o.Begin = c.store.WritingOf(step)
	return pipeline.Add(p, o, func(ctx context.Context, err error) (bool, error) {
		if err != nil {
			return false, c.writeFailed(ctx, event, err, sending{})
		}
		c.wrote(ctx, event, step.Done)
		ends()
		return step.Done, nil
	})
}

// operation is a step in a pipeline.
func (c *core) operation(step store.Step) pipeline.Operation {
	return pipeline.Operation{
		Client: c.rdb, Store: c.store, Step: step,
		Closed: c.closed.Load,
		Fail:   func(key string, kind, cause error) error { return c.error(OpExec, key, kind, cause) },
	}
}

// fencing is the Begin of an operation that writes key. It sets s.
func (c *core) fencing(key string, s *sending) func(context.Context, time.Time) (func(), error) {
	return func(ctx context.Context, now time.Time) (end func(), err error) {
		*s = c.sending(ctx)
		return c.engine.Fence(ctx, now.Add(c.redisTimeout), key)
	}
}
