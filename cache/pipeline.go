package cache

import (
	"context"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/pipeline"
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
	return queueRead(q.pipeline, q.of.core.reading(&r.lookup, step), q.inspected(r, s), func() Found[V] {
		found := Found[V]{Value: r.value, OK: r.state.hasValue()}
		q.of.end(r)
		return found
	})
}

// Entry queues Cache.Entry.
func (q Queue[K, V]) Entry(key K, opts ...Option) *Future[Entry[V]] {
	r, s, err := q.of.beginWith(OpEntry, key, opts)
	if err != nil {
		return pipeline.Failed[Entry[V]](q.pipeline, err)
	}
	step := q.of.core.store.InspectStep(r.redisKey, &r.entry, true, true)
	return queueRead(q.pipeline, q.of.core.reading(&r.lookup, step), q.inspected(r, s), func() Entry[V] {
		entry := q.of.whole(r)
		q.of.end(r)
		return entry
	})
}

// inspected makes sense of what a read of a whole value has found.
func (q Queue[K, V]) inspected(r *request[K, V], s settings) func(context.Context, error) error {
	return func(ctx context.Context, err error) error {
		if err := q.of.inspected(ctx, r, err); err != nil {
			return err
		}
		r.settle(s)
		return nil
	}
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
	inspected := func(ctx context.Context, err error) error { return q.of.inspectedFields(ctx, r, to, err) }
	return queueRead(q.pipeline, q.of.core.reading(&r.lookup, step), inspected, func() bool {
		found := r.state.hasValue()
		q.of.end(r)
		return found
	})
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
	return queueWrite(q.pipeline, q.of.core.writing(step, event, q.ends(r)))
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
	return queueWriteIf(q.pipeline, q.of.core.writing(step, event, q.ends(r)))
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
	step := q.of.core.store.PutAbsentStep(r.redisKey, event.TTL)
	return queueWrite(q.pipeline, q.of.core.writing(step, event, q.ends(r)))
}

// Delete queues Cache.Delete of one key.
func (q Queue[K, V]) Delete(key K) *Future[struct{}] {
	r, err := q.of.begin(OpDelete, key)
	if err != nil {
		return pipeline.Failed[struct{}](q.pipeline, err)
	}
	return q.of.core.queueDelete(q.pipeline, r.redisKey, q.ends(r))
}

// Touch queues Cache.Touch.
func (q Queue[K, V]) Touch(key K, opts ...Option) *Future[bool] {
	r, s, err := q.of.beginWith(OpTouch, key, opts)
	if err != nil {
		return pipeline.Failed[bool](q.pipeline, err)
	}
	return q.of.core.queueTouch(q.pipeline, q.of.core.touchEvent(r.redisKey, s), q.ends(r))
}

// ends is what ends a request whose operation Redis has answered.
func (q Queue[K, V]) ends(r *request[K, V]) func() { return func() { q.of.end(r) } }
