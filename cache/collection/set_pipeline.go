package collection

// A SetQueue queues the operations of a Set in a Pipeline. Each method is that of the
// Set by its name.
type SetQueue[K comparable, E any] struct {
	pipeline *Pipeline
	of       *Set[K, E]
}

// In returns what queues operations on sets in p.
func (s *Set[K, E]) In(p *Pipeline) SetQueue[K, E] { return SetQueue[K, E]{p, s} }

// Add queues Set.Add.
func (q SetQueue[K, E]) Add(key K, elems ...E) *Future[int] {
	return enqueue(q.pipeline, q.of.change(setAdd, key, elems))
}

// Remove queues Set.Remove.
func (q SetQueue[K, E]) Remove(key K, elems ...E) *Future[int] {
	return enqueue(q.pipeline, q.of.change(setRemove, key, elems))
}

// Has queues Set.Has.
func (q SetQueue[K, E]) Has(key K, e E) *Future[bool] {
	return enqueue(q.pipeline, q.of.has(key, e))
}

// HasMany queues Set.HasMany.
func (q SetQueue[K, E]) HasMany(key K, elems ...E) *Future[[]bool] {
	return enqueue(q.pipeline, q.of.hasMany(key, elems))
}

// Members queues Set.Members.
func (q SetQueue[K, E]) Members(key K) *Future[[]E] {
	return enqueue(q.pipeline, q.of.members(key))
}

// Pop queues Set.Pop.
func (q SetQueue[K, E]) Pop(key K, n int) *Future[[]E] {
	return enqueue(q.pipeline, q.of.pop(setPop, key, n))
}

// Random queues Set.Random.
func (q SetQueue[K, E]) Random(key K, n int) *Future[[]E] {
	return enqueue(q.pipeline, q.of.random(key, n))
}

// Len queues Set.Len.
func (q SetQueue[K, E]) Len(key K) *Future[int] {
	return enqueue(q.pipeline, q.of.length(setLen, key))
}

// Union queues Set.Union.
func (q SetQueue[K, E]) Union(keys ...K) *Future[[]E] {
	return enqueue(q.pipeline, q.of.combine(setUnion, keys))
}

// Intersect queues Set.Intersect.
func (q SetQueue[K, E]) Intersect(keys ...K) *Future[[]E] {
	return enqueue(q.pipeline, q.of.combine(setIntersect, keys))
}

// Diff queues Set.Diff.
func (q SetQueue[K, E]) Diff(key K, others ...K) *Future[[]E] {
	return enqueue(q.pipeline, q.of.combine(setDiff, append([]K{key}, others...)))
}

// Delete queues Set.Delete of one key.
func (q SetQueue[K, E]) Delete(key K) *Future[struct{}] {
	return enqueueDelete(q.pipeline, q.of.keyed, key)
}
