package collection

import (
	"time"

	"github.com/asidecache/aside/codec"
)

// A HashQueue queues the operations of a Hash in a Pipeline. Each method is the one of the
// Hash by its name, and reads into
// its variables when the pipeline is sent.
type HashQueue[K comparable, T any] struct {
	pipeline *Pipeline
	of       *Hash[K, T]
}

// In returns what queues operations on hashes in p.
func (h *Hash[K, T]) In(p *Pipeline) HashQueue[K, T] { return HashQueue[K, T]{p, h} }

// Get queues Hash.Get.
func (q HashQueue[K, T]) Get(key K, into ...codec.FieldReader[T]) *Future[int] {
	return queue(q.pipeline, q.of.get(key, into))
}

// Set queues Hash.Set.
func (q HashQueue[K, T]) Set(key K, assigned ...codec.FieldAppender[T]) *Future[struct{}] {
	return queue(q.pipeline, q.of.set(key, assigned))
}

// Incr queues Hash.Incr.
func (q HashQueue[K, T]) Incr(key K, into codec.FieldReader[T], by int64) *Future[struct{}] {
	return queue(q.pipeline, q.of.incr("Incr", "hincrby", key, into, by))
}

// IncrFloat queues Hash.IncrFloat.
func (q HashQueue[K, T]) IncrFloat(key K, into codec.FieldReader[T], by float64) *Future[struct{}] {
	return queue(q.pipeline, q.of.incrFloat(key, into, by))
}

// Remove queues Hash.Remove.
func (q HashQueue[K, T]) Remove(key K, fields ...codec.Field[T]) *Future[int] {
	return queue(q.pipeline, q.of.remove(key, fields))
}

// ExpireFields queues Hash.ExpireFields.
func (q HashQueue[K, T]) ExpireFields(key K, ttl time.Duration, fields ...codec.Field[T]) *Future[int] {
	return queue(q.pipeline, q.of.expire(key, ttl, fields))
}

// PersistFields queues Hash.PersistFields.
func (q HashQueue[K, T]) PersistFields(key K, fields ...codec.Field[T]) *Future[int] {
	return queue(q.pipeline, q.of.changeLives("PersistFields", "hpersist", key, nil, fields))
}

// FieldTTL queues Hash.FieldTTL.
func (q HashQueue[K, T]) FieldTTL(key K, field codec.Field[T]) *Future[Found[time.Duration]] {
	return queue(q.pipeline, q.of.fieldTTL(key, field))
}
