package collection

// A ListQueue queues the operations of a List in a Pipeline. Each method is that of the
// List by its name.
type ListQueue[K comparable, E any] struct {
	pipeline *Pipeline
	of       *List[K, E]
}

// In returns what queues operations on lists in p.
func (l *List[K, E]) In(p *Pipeline) ListQueue[K, E] { return ListQueue[K, E]{p, l} }

// PushFront queues List.PushFront.
func (q ListQueue[K, E]) PushFront(key K, elems ...E) *Future[int] {
	return enqueue(q.pipeline, q.of.push(listPushFront, key, elems))
}

// PushBack queues List.PushBack.
func (q ListQueue[K, E]) PushBack(key K, elems ...E) *Future[int] {
	return enqueue(q.pipeline, q.of.push(listPushBack, key, elems))
}

// InsertBefore queues List.InsertBefore.
func (q ListQueue[K, E]) InsertBefore(key K, pivot, e E) *Future[int] {
	return enqueue(q.pipeline, q.of.insert(listInsertBefore, "before", key, pivot, e))
}

// InsertAfter queues List.InsertAfter.
func (q ListQueue[K, E]) InsertAfter(key K, pivot, e E) *Future[int] {
	return enqueue(q.pipeline, q.of.insert(listInsertAfter, "after", key, pivot, e))
}

// PopFront queues List.PopFront.
func (q ListQueue[K, E]) PopFront(key K, n int) *Future[[]E] {
	return enqueue(q.pipeline, q.of.pop(listPopFront, key, n))
}

// PopBack queues List.PopBack.
func (q ListQueue[K, E]) PopBack(key K, n int) *Future[[]E] {
	return enqueue(q.pipeline, q.of.pop(listPopBack, key, n))
}

// At queues List.At.
func (q ListQueue[K, E]) At(key K, index int) *Future[Found[E]] {
	return enqueue(q.pipeline, q.of.at(key, index))
}

// Range queues List.Range.
func (q ListQueue[K, E]) Range(key K, first, last int) *Future[[]E] {
	return enqueue(q.pipeline, q.of.slice(key, first, last))
}

// Trim queues List.Trim.
func (q ListQueue[K, E]) Trim(key K, first, last int) *Future[struct{}] {
	return enqueue(q.pipeline, q.of.trim(key, first, last))
}

// Len queues List.Len.
func (q ListQueue[K, E]) Len(key K) *Future[int] {
	return enqueue(q.pipeline, q.of.length(listLen, key))
}

// Delete queues List.Delete of one key.
func (q ListQueue[K, E]) Delete(key K) *Future[struct{}] {
	return enqueueDelete(q.pipeline, q.of.keyed, key)
}
