package collection

import (
	"context"
	"errors"
	"iter"
	"math"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// A SortedSet is a family of keys that hold Redis sorted sets, as a cache.Cache with
// codec.SortedSet fills them: elements in the order of their scores, and those of one
// score in that of their bytes. All its methods are safe for concurrent use.
type SortedSet[K comparable, E any] struct {
	elements[K, E]
}

// NewSortedSet returns the sorted sets of a family of keys, see NewList.
func NewSortedSet[K comparable, E any](rdb redis.UniversalClient, cfg Config[K, E]) (*SortedSet[K, E], error) {
	c, err := openElements(rdb, cfg, codec.ShapeSortedSet, "sorted set")
	if err != nil {
		return nil, err
	}
	return &SortedSet[K, E]{c}, nil
}

// With returns the same sorted sets with other rules for writes.
func (z *SortedSet[K, E]) With(opts ...Option) *SortedSet[K, E] {
	other := *z
	other.rules = z.rules.with(opts)
	return &other
}

// A When says which elements a PutIf puts. Conditions are combined by |.
type When uint8

// The conditions. New goes with no other, Greater not with Less.
const (
	New     When = 1 << iota // that are not there yet (NX)
	Present                  // that are there (XX)
	Greater                  // that are new, or would get a greater score (GT)
	Less                     // that are new, or would get a lesser score (LT)
)

var errWhen = errors.New("the conditions exclude each other, or are none: New stands alone, and Greater excludes Less")

// words returns the conditions as Redis's words.
func (w When) words() (words []string, err error) {
	if w >= 2*Less || w&New != 0 && w != New || w&Greater != 0 && w&Less != 0 {
		return nil, errWhen
	}
	for i, word := range []string{"nx", "xx", "gt", "lt"} {
		if w&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return words, nil
}

// Put adds elements, and sets the scores of those that exist. It returns how many are new or
// have another score now. A score that is NaN is an error. ZADD.
func (z *SortedSet[K, E]) Put(ctx context.Context, key K, elems ...codec.Scored[E]) (changed int, err error) {
	return do(ctx, z.put(sortedSetPut, key, 0, elems))
}

// PutIf is Put for the elements for which the conditions hold. ZADD with NX, XX, GT, LT.
func (z *SortedSet[K, E]) PutIf(ctx context.Context, key K, when When, elems ...codec.Scored[E]) (changed int, err error) {
	return do(ctx, z.put(sortedSetPutIf, key, when, elems))
}

// Incr adds by to the score of e, which is 0 if it is not there, and returns the new
// score; with IfCached 0 if Redis knows no value. ZINCRBY.
func (z *SortedSet[K, E]) Incr(ctx context.Context, key K, e E, by float64) (score float64, err error) {
	return do(ctx, z.incr(key, e, by))
}

// Remove removes elements and returns how many of them were there. ZREM.
func (z *SortedSet[K, E]) Remove(ctx context.Context, key K, elems ...E) (removed int, err error) {
	return do(ctx, z.remove(key, elems))
}

// Score returns the score of e. ok is false if it is no element. ZSCORE.
func (z *SortedSet[K, E]) Score(ctx context.Context, key K, e E) (score float64, ok bool, err error) {
	return both(do(ctx, z.score(key, e)))
}

// Rank returns how many elements stand in front of e. ok is false if it is no element.
// ZRANK.
func (z *SortedSet[K, E]) Rank(ctx context.Context, key K, e E) (rank int, ok bool, err error) {
	return both(do(ctx, z.rank(sortedSetRank, key, e)))
}

// RankBack returns how many elements stand behind e. ZREVRANK.
func (z *SortedSet[K, E]) RankBack(ctx context.Context, key K, e E) (rank int, ok bool, err error) {
	return both(do(ctx, z.rank(sortedSetRankBack, key, e)))
}

// Range returns the elements from one rank to another, including both; -1 is the last
// one. ZRANGE.
func (z *SortedSet[K, E]) Range(ctx context.Context, key K, first, last int) ([]codec.Scored[E], error) {
	return do(ctx, z.slice(sortedSetRange, key, first, last, false))
}

// RangeBack is Range in the opposite order: ranks count from the greatest score. ZRANGE
// with REV.
func (z *SortedSet[K, E]) RangeBack(ctx context.Context, key K, first, last int) ([]codec.Scored[E], error) {
	return do(ctx, z.slice(sortedSetRangeBack, key, first, last, true))
}

// Scores are a range of scores, including Min and Max unless it says otherwise.
// Infinities are scores.
type Scores struct {
	Min, Max           float64
	AboveMin, BelowMax bool // the bound itself is not included

	Skip  int // leaves out so many elements at the start of the range
	Limit int // the most elements to return; 0: all
}

// AllScores is the range of all scores.
var AllScores = Scores{Min: math.Inf(-1), Max: math.Inf(1)}

var errScores = errors.New("a bound of the range of scores is NaN, or Skip or Limit is negative")

func (s Scores) check() error {
	if math.IsNaN(s.Min) || math.IsNaN(s.Max) || s.Skip < 0 || s.Limit < 0 {
		return errScores
	}
	return nil
}

// RangeByScore returns the elements of a range of scores. ZRANGE with BYSCORE.
func (z *SortedSet[K, E]) RangeByScore(ctx context.Context, key K, scores Scores) ([]codec.Scored[E], error) {
	return do(ctx, z.byScore(sortedSetRangeByScore, key, scores, false))
}

// RangeByScoreBack is RangeByScore in the opposite order. ZRANGE with BYSCORE and REV.
func (z *SortedSet[K, E]) RangeByScoreBack(ctx context.Context, key K, scores Scores) ([]codec.Scored[E], error) {
	return do(ctx, z.byScore(sortedSetRangeByScoreBack, key, scores, true))
}

// RemoveRange removes the elements from one rank to another, including both, and
// returns their number. ZREMRANGEBYRANK.
func (z *SortedSet[K, E]) RemoveRange(ctx context.Context, key K, first, last int) (removed int, err error) {
	return do(ctx, z.removeRange(key, first, last))
}

// RemoveByScore removes the elements of a range of scores, which may have no Skip and no
// Limit, and returns their number. ZREMRANGEBYSCORE.
func (z *SortedSet[K, E]) RemoveByScore(ctx context.Context, key K, scores Scores) (removed int, err error) {
	return do(ctx, z.removeByScore(key, scores))
}

// PopMin removes and returns the n elements with the least scores, the least first, or
// as many as there are. One that cannot be decoded is gone. ZPOPMIN.
func (z *SortedSet[K, E]) PopMin(ctx context.Context, key K, n int) ([]codec.Scored[E], error) {
	return do(ctx, z.pop(sortedSetPopMin, key, n))
}

// PopMax removes and returns the n elements with the greatest scores, the greatest
// first. ZPOPMAX.
func (z *SortedSet[K, E]) PopMax(ctx context.Context, key K, n int) ([]codec.Scored[E], error) {
	return do(ctx, z.pop(sortedSetPopMax, key, n))
}

// Len returns the number of elements. ZCARD.
func (z *SortedSet[K, E]) Len(ctx context.Context, key K) (int, error) {
	return do(ctx, z.length(sortedSetLen, key))
}

// All yields the elements in their order, and reads them in pages by rank. A change
// between two pages moves elements: one may be yielded twice, or not at all. An element that
// cannot be decoded is yielded as the zero value with its score and an error; the iteration
// continues. Any other error ends it.
func (z *SortedSet[K, E]) All(ctx context.Context, key K) iter.Seq2[codec.Scored[E], error] {
	return func(yield func(codec.Scored[E], error) bool) {
		for first := 0; ; first += page {
			p, err := do(ctx, z.pageOf(key, first))
			if !yieldAll(z.core, z.RedisKey(key), p, err, yield) || len(p.values) < page {
				return
			}
		}
	}
}
