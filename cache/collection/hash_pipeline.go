package collection

import (
	"context"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/pipeline"
	"github.com/asidecache/aside/internal/store"
)

// A HashQueue queues the operations of a Hash in a Pipeline. Each method is that of the
// Hash by its name, and reads into its variables when the pipeline is sent.
type HashQueue[K comparable, T any] struct {
	pipeline *Pipeline
	of       *Hash[K, T]
}

// In returns what queues operations on hashes in p.
func (h *Hash[K, T]) In(p *Pipeline) HashQueue[K, T] { return HashQueue[K, T]{p, h} }

// Get queues Hash.Get.
func (q HashQueue[K, T]) Get(key K, into ...codec.FieldReader[T]) *Future[int] {
	return enqueue(q.pipeline, q.of.get(key, into))
}

// Set queues Hash.Set.
func (q HashQueue[K, T]) Set(key K, assigned ...codec.FieldAppender[T]) *Future[struct{}] {
	return enqueue(q.pipeline, q.of.set(key, assigned))
}

// Incr queues Hash.Incr.
func (q HashQueue[K, T]) Incr(key K, into codec.FieldReader[T], by int64) *Future[struct{}] {
	return enqueue(q.pipeline, q.of.incr(hashIncr, key, into, by))
}

// IncrFloat queues Hash.IncrFloat.
func (q HashQueue[K, T]) IncrFloat(key K, into codec.FieldReader[T], by float64) *Future[struct{}] {
	return enqueue(q.pipeline, q.of.incrFloat(key, into, by))
}

// Remove queues Hash.Remove.
func (q HashQueue[K, T]) Remove(key K, fields ...codec.Field[T]) *Future[int] {
	return enqueue(q.pipeline, q.of.remove(key, fields))
}

// ExpireFields queues Hash.ExpireFields.
func (q HashQueue[K, T]) ExpireFields(key K, ttl time.Duration, fields ...codec.Field[T]) *Future[int] {
	return enqueue(q.pipeline, q.of.expire(key, ttl, fields))
}

// PersistFields queues Hash.PersistFields.
func (q HashQueue[K, T]) PersistFields(key K, fields ...codec.Field[T]) *Future[int] {
	return enqueue(q.pipeline, q.of.persist(key, fields))
}

// FieldTTL queues Hash.FieldTTL.
func (q HashQueue[K, T]) FieldTTL(key K, field codec.Field[T]) *Future[Found[time.Duration]] {
	return enqueue(q.pipeline, q.of.fieldTTL(key, field))
}

// Load queues Hash.Load.
func (q HashQueue[K, T]) Load(key K) *Future[Found[T]] {
	h := q.of
	name, err := h.redisKey(opLoad, key)
	if err != nil {
		return pipeline.Failed[Found[T]](q.pipeline, err)
	}
	var e store.Entry
	o := h.core.operation(h.core.store.InspectStep(name, &e, true, false))
	return pipeline.Add(q.pipeline, o, func(ctx context.Context, err error) (Found[T], error) {
		return h.loaded(ctx, time.Now(), name, &e, err)
	})
}

// Store queues Hash.Store. The value is encoded when it is queued. It is a script.
func (q HashQueue[K, T]) Store(key K, v T) *Future[struct{}] {
	h := q.of
	name, e, ttl, err := h.prepare(key, &v)
	if err != nil {
		return pipeline.Failed[struct{}](q.pipeline, err)
	}
	o := h.core.operation(h.core.store.PutStep(name, e, ttl))
	return pipeline.Add(q.pipeline, o, func(ctx context.Context, err error) (none struct{}, _ error) {
		return none, h.stored(ctx, name, e, err)
	})
}

// Delete queues Hash.Delete of one key.
func (q HashQueue[K, T]) Delete(key K) *Future[struct{}] {
	return enqueueDelete(q.pipeline, q.of.keyed, key)
}
