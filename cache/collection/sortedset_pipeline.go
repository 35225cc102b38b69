package collection

import (
	"github.com/asidecache/aside/codec"
)

// A SortedSetQueue queues the operations of a SortedSet in a Pipeline. Each method is that of
// the SortedSet by its name.
type SortedSetQueue[K comparable, E any] struct {
	pipeline *Pipeline
	of       *SortedSet[K, E]
}

// In returns what queues operations on sorted sets in p.
func (z *SortedSet[K, E]) In(p *Pipeline) SortedSetQueue[K, E] { return SortedSetQueue[K, E]{p, z} }

// Put queues SortedSet.Put.
func (q SortedSetQueue[K, E]) Put(key K, elems ...codec.Scored[E]) *Future[int] {
	return enqueue(q.pipeline, q.of.put(sortedSetPut, key, 0, elems))
}

// PutIf queues SortedSet.PutIf.
func (q SortedSetQueue[K, E]) PutIf(key K, when When, elems ...codec.Scored[E]) *Future[int] {
	return enqueue(q.pipeline, q.of.put(sortedSetPutIf, key, when, elems))
}

// Incr queues SortedSet.Incr.
func (q SortedSetQueue[K, E]) Incr(key K, e E, by float64) *Future[float64] {
	return enqueue(q.pipeline, q.of.incr(key, e, by))
}

// Remove queues SortedSet.Remove.
func (q SortedSetQueue[K, E]) Remove(key K, elems ...E) *Future[int] {
	return enqueue(q.pipeline, q.of.remove(key, elems))
}

// Score queues SortedSet.Score.
func (q SortedSetQueue[K, E]) Score(key K, e E) *Future[Found[float64]] {
	return enqueue(q.pipeline, q.of.score(key, e))
}

// Rank queues SortedSet.Rank.
func (q SortedSetQueue[K, E]) Rank(key K, e E) *Future[Found[int]] {
	return enqueue(q.pipeline, q.of.rank(sortedSetRank, key, e))
}

// RankBack queues SortedSet.RankBack.
func (q SortedSetQueue[K, E]) RankBack(key K, e E) *Future[Found[int]] {
	return enqueue(q.pipeline, q.of.rank(sortedSetRankBack, key, e))
}

// Range queues SortedSet.Range.
func (q SortedSetQueue[K, E]) Range(key K, first, last int) *Future[[]codec.Scored[E]] {
	return enqueue(q.pipeline, q.of.slice(sortedSetRange, key, first, last, false))
}

// RangeBack queues SortedSet.RangeBack.
func (q SortedSetQueue[K, E]) RangeBack(key K, first, last int) *Future[[]codec.Scored[E]] {
	return enqueue(q.pipeline, q.of.slice(sortedSetRangeBack, key, first, last, true))
}

// RangeByScore queues SortedSet.RangeByScore.
func (q SortedSetQueue[K, E]) RangeByScore(key K, scores Scores) *Future[[]codec.Scored[E]] {
	return enqueue(q.pipeline, q.of.byScore(sortedSetRangeByScore, key, scores, false))
}

// RangeByScoreBack queues SortedSet.RangeByScoreBack.
func (q SortedSetQueue[K, E]) RangeByScoreBack(key K, scores Scores) *Future[[]codec.Scored[E]] {
	return enqueue(q.pipeline, q.of.byScore(sortedSetRangeByScoreBack, key, scores, true))
}

// RemoveRange queues SortedSet.RemoveRange.
func (q SortedSetQueue[K, E]) RemoveRange(key K, first, last int) *Future[int] {
	return enqueue(q.pipeline, q.of.removeRange(key, first, last))
}

// RemoveByScore queues SortedSet.RemoveByScore.
func (q SortedSetQueue[K, E]) RemoveByScore(key K, scores Scores) *Future[int] {
	return enqueue(q.pipeline, q.of.removeByScore(key, scores))
}

// PopMin queues SortedSet.PopMin.
func (q SortedSetQueue[K, E]) PopMin(key K, n int) *Future[[]codec.Scored[E]] {
	return enqueue(q.pipeline, q.of.pop(sortedSetPopMin, key, n))
}

// PopMax queues SortedSet.PopMax.
func (q SortedSetQueue[K, E]) PopMax(key K, n int) *Future[[]codec.Scored[E]] {
	return enqueue(q.pipeline, q.of.pop(sortedSetPopMax, key, n))
}

// Len queues SortedSet.Len.
func (q SortedSetQueue[K, E]) Len(key K) *Future[int] {
	return enqueue(q.pipeline, q.of.length(sortedSetLen, key))
}

// Delete queues SortedSet.Delete of one key.
func (q SortedSetQueue[K, E]) Delete(key K) *Future[struct{}] {
	return enqueueDelete(q.pipeline, q.of.keyed, key)
}
