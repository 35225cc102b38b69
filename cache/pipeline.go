package cache

import (
	"context"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/pipeline"
	"github.com/asidecache/aside/internal/store"
)

// A Pipeline is a *collection.Pipeline, and nothing else is one.
type Pipeline interface{ pipeline.Pipeline }

// A Future is the result of an operation in a Pipeline. Its method Result returns what
// the method of the cache itself would have returned, once the pipeline has been sent,
// and an error before. What is Found has two results there.
type Future[T any] = pipeline.Future[T]

// A Found is a value that may be there or not: what futures have in place of two
// results, in its fields Value and OK.
type Found[T any] = pipeline.Found[T]

// A Queue queues the operations of a Cache in a Pipeline:
//
//	var p collection.Pipeline
//	u := users.In(&p).Get(42)
//	users.In(&p).Delete(43)
//	err := p.Exec(ctx)
//
// Each method is the one of the Cache by its name and keeps its promises, from Exec on;
// values are encoded, and TTLs made, when they are queued. None of them loads. Writes are
// scripts here, so that each is one step.
type Queue[K comparable, V any] struct {
	pipeline pipeline.Pipeline
	of       *Cache[K, V]
}

// In returns what queues operations of the cache in p.
func (c *Cache[K, V]) In(p Pipeline) Queue[K, V] { return Queue[K, V]{p, c} }

// Get queues Cache.Get.
func (q Queue[K, V]) Get(key K, opts ...Option) *Future[Found[V]] {
	r, s, err := q.of.beginWith(OpGet, key, opts)
	if err != nil {
		return pipeline.Failed[Found[V]](q.pipeline, err)
	}
	step := q.of.core.store.InspectStep(r.redisKey, &r.entry, q.of.core.store.HoldsEmpties(), false)
	return queueRead(q, r, step, q.of.inspected, s, func() Found[V] { return Found[V]{Value: r.value, OK: r.state.hasValue()} })
}

// Entry queues Cache.Entry.
func (q Queue[K, V]) Entry(key K, opts ...Option) *Future[Entry[V]] {
	r, s, err := q.of.beginWith(OpEntry, key, opts)
	if err != nil {
		return pipeline.Failed[Entry[V]](q.pipeline, err)
	}
	step := q.of.core.store.InspectStep(r.redisKey, &r.entry, true, true)
	return queueRead(q, r, step, q.of.inspected, s, func() Entry[V] { return q.of.whole(r) })
}

// GetFields queues Cache.GetFields without a load. The variables are set when the
// pipeline is sent. Fields that the entry does not have are zero; the whole of it is not
// read.
func (q Queue[K, V]) GetFields(key K, into ...codec.FieldReader[V]) *Future[bool] {
	r, err := q.of.begin(OpGetFields, key)
	if err != nil {
		return pipeline.Failed[bool](q.pipeline, err)
	}
	to, err := q.of.destinations(into)
	if err != nil {
		return pipeline.Failed[bool](q.pipeline, q.of.core.error(OpGetFields, r.redisKey, nil, err))
	}
	step := q.of.core.store.FieldsStep(r.redisKey, to.names, &r.entry)
	inspected := func(ctx context.Context, r *request[K, V], err error) error {
		return q.of.inspectedFields(ctx, r, to, err)
	}
	return queueRead(q, r, step, inspected, settings{}, func() bool { return r.state.hasValue() })
}

// Set queues Cache.Set.
func (q Queue[K, V]) Set(key K, v V, opts ...Option) *Future[struct{}] {
	r, event, err := q.of.prepare(context.Background(), OpSet, key, v, opts)
	if err != nil {
		return pipeline.Failed[struct{}](q.pipeline, err)
	}
	step := q.of.core.store.DeleteStep(r.redisKey)
	if event.Outcome == WriteOK {
		step = q.of.core.store.PutStep(r.redisKey, &r.entry, event.TTL)
	}
	return queueWrite(q, r, step, event, nothing)
}

// SetIfAbsent queues Cache.SetIfAbsent.
func (q Queue[K, V]) SetIfAbsent(key K, v V, opts ...Option) *Future[bool] {
	ctx := context.Background() // that of Exec is not known yet
	r, event, err := q.of.prepare(ctx, OpSetIfAbsent, key, v, opts)
	switch {
	case err != nil:
		return pipeline.Failed[bool](q.pipeline, err)
	case event.Outcome != WriteOK:
		q.of.core.reportWrite(ctx, event)
		return pipeline.Known(false)
	}
	step := q.of.core.store.PutIfAbsentStep(r.redisKey, &r.entry, event.TTL)
	return queueWrite(q, r, step, event, done)
}

// SetAbsent queues Cache.SetAbsent.
func (q Queue[K, V]) SetAbsent(key K, opts ...Option) *Future[struct{}] {
	r, s, err := q.of.beginWith(OpSetAbsent, key, opts)
	if err != nil {
		return pipeline.Failed[struct{}](q.pipeline, err)
	}
	event, err := q.of.core.absentEvent(r.redisKey, s)
	if err != nil {
		return pipeline.Failed[struct{}](q.pipeline, err)
	}
	return queueWrite(q, r, q.of.core.store.PutAbsentStep(r.redisKey, event.TTL), event, nothing)
}

// Delete queues Cache.Delete of one key.
func (q Queue[K, V]) Delete(key K) *Future[struct{}] {
	r, err := q.of.begin(OpDelete, key)
	if err != nil {
		return pipeline.Failed[struct{}](q.pipeline, err)
	}
	core := q.of.core
	o := core.operation(core.store.DeleteStep(r.redisKey))
	s := sending{begun: true}
	o.Begin = core.fencing(r.redisKey, &s)
	return pipeline.Add(q.pipeline, o, func(ctx context.Context, err error) (none struct{}, _ error) {
		if err != nil {
			return none, core.writeFailed(ctx, deletion(r.redisKey), err, s)
		}
		core.acknowledged(deletion(r.redisKey), s)
		core.engine.LearnDeleted(r.redisKey)
		core.reportWrite(ctx, deletion(r.redisKey))
		q.of.end(r)
		return none, nil
	})
}

// Touch queues Cache.Touch.
func (q Queue[K, V]) Touch(key K, opts ...Option) *Future[bool] {
	r, s, err := q.of.beginWith(OpTouch, key, opts)
	if err != nil {
		return pipeline.Failed[bool](q.pipeline, err)
	}
	core := q.of.core
	event := core.touchEvent(r.redisKey, s)
	step := core.store.TouchStep(r.redisKey, event.TTL)
	o := core.operation(step)
	o.Begin = core.store.WritingOf(step)
	return pipeline.Add(q.pipeline, o, func(ctx context.Context, err error) (bool, error) {
		if err != nil {
			return false, core.writeFailed(ctx, event, err, sending{})
		}
		core.wrote(ctx, event, step.Done)
		q.of.end(r)
		return step.Done, nil
	})
}

// queueRead queues a step that reads into r.entry; inspected makes sense of that.
func queueRead[K comparable, V, T any](q Queue[K, V], r *request[K, V], step store.Step, inspected func(context.Context, *request[K, V], error) error, s settings, result func() T) *Future[T] {
	o := q.of.core.operation(step)
	undelivered := false
	o.Begin = func(_ context.Context, now time.Time) (func(), error) {
		r.began = now
		undelivered = q.of.core.store.IsUndelivered(r.redisKey)
		return func() {}, nil
	}
	return pipeline.Add(q.pipeline, o, func(ctx context.Context, err error) (v T, _ error) {
		if undelivered && (err == nil || store.IsBroken(err)) {
			r.entry.SetMissing()
			err = nil
		}
		if err := inspected(ctx, r, err); err != nil {
			return v, q.of.core.unanswered(ctx, &r.lookup, err)
		}
		r.settle(s)
		q.of.core.found(ctx, &r.lookup)
		v = result()
		q.of.end(r)
		return v, nil
	})
}

// queueWrite queues a step that stores something.
func queueWrite[K comparable, V, T any](q Queue[K, V], r *request[K, V], step *store.Write, event WriteEvent, result func(*store.Write) T) *Future[T] {
	core := q.of.core
	o := core.operation(step)
	s := sending{begun: true}
	o.Begin = core.fencing(r.redisKey, &s)
	return pipeline.Add(q.pipeline, o, func(ctx context.Context, err error) (v T, _ error) {
		if err != nil {
			return v, core.writeFailed(ctx, event, err, s)
		}
		core.acknowledged(event, s)
		core.wrote(ctx, event, step.Done)
		q.of.end(r)
		return result(step), nil
	})
}

func nothing(*store.Write) (none struct{}) { return none }

func done(w *store.Write) bool { return w.Done }

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
