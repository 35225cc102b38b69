package collection

import (
	"context"
	"iter"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// A Set is a family of keys that hold Redis sets, as a cache.Cache with codec.Set fills
// them. All its methods are safe for concurrent use. The order in which several elements are
// returned has no meaning.
type Set[K comparable, E any] struct {
	elements[K, E]
}

// NewSet returns the sets of a family of keys, see NewList.
func NewSet[K comparable, E any](rdb redis.UniversalClient, cfg Config[K, E]) (*Set[K, E], error) {
	c, err := openElements(rdb, cfg, codec.ShapeSet, "set")
	if err != nil {
		return nil, err
	}
	return &Set[K, E]{c}, nil
}

// With returns the same sets with other rules for writes.
func (s *Set[K, E]) With(opts ...Option) *Set[K, E] {
	other := *s
	other.rules = s.rules.with(opts)
	return &other
}

// Add adds elements and returns how many of them are new. SADD.
func (s *Set[K, E]) Add(ctx context.Context, key K, elems ...E) (added int, err error) {
	return do(ctx, s.change(setAdd, key, elems))
}

// Remove removes elements and returns how many of them were there. SREM.
func (s *Set[K, E]) Remove(ctx context.Context, key K, elems ...E) (removed int, err error) {
	return do(ctx, s.change(setRemove, key, elems))
}

// Has reports whether e is an element. SISMEMBER.
func (s *Set[K, E]) Has(ctx context.Context, key K, e E) (bool, error) {
	return do(ctx, s.has(key, e))
}

// HasMany reports of each of elems whether it is an element. SMISMEMBER.
func (s *Set[K, E]) HasMany(ctx context.Context, key K, elems ...E) ([]bool, error) {
	return do(ctx, s.hasMany(key, elems))
}

// Members returns all elements. Redis serves no other client meanwhile: All is for large
// sets. SMEMBERS.
func (s *Set[K, E]) Members(ctx context.Context, key K) ([]E, error) {
	return do(ctx, s.members(key))
}

// Pop removes and returns n elements at random, or as many as there are. One that cannot
// be decoded is gone. SPOP.
func (s *Set[K, E]) Pop(ctx context.Context, key K, n int) ([]E, error) {
	return do(ctx, s.pop(setPop, key, n))
}

// Random returns n different elements at random, or as many as there are. SRANDMEMBER.
func (s *Set[K, E]) Random(ctx context.Context, key K, n int) ([]E, error) {
	return do(ctx, s.random(key, n))
}

// Len returns the number of elements. SCARD.
func (s *Set[K, E]) Len(ctx context.Context, key K) (int, error) {
	return do(ctx, s.length(setLen, key))
}

// Union returns the elements that any of the sets has. On a cluster all keys have to
// lie in one slot, or else the error is an ErrSlots that names their slots: Redis
// answers for one moment, which no combination of answers could. SUNION.
func (s *Set[K, E]) Union(ctx context.Context, keys ...K) ([]E, error) {
	return do(ctx, s.combine(setUnion, keys))
}

// Intersect returns the elements that all of the sets have. Otherwise it is like Union.
// SINTER.
func (s *Set[K, E]) Intersect(ctx context.Context, keys ...K) ([]E, error) {
	return do(ctx, s.combine(setIntersect, keys))
}

// Diff returns the elements of the first set that none of the others has. Otherwise it
// is like Union. SDIFF.
func (s *Set[K, E]) Diff(ctx context.Context, key K, others ...K) ([]E, error) {
	return do(ctx, s.combine(setDiff, append([]K{key}, others...)))
}

// All yields the elements, and reads them in pages. Elements that are there from the
// first page to the last are always yielded, those that are added or removed meanwhile may
// be, and while Redis makes the set's table larger or smaller one may be yielded twice. An
// element that cannot be decoded is yielded as the zero value with an error; the iteration
// continues. Any other error ends it. SSCAN.
func (s *Set[K, E]) All(ctx context.Context, key K) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		p := paged[E]{next: "0"}
		for {
			var err error
			p, err = do(ctx, s.pageOf(key, p))
			if !yieldAll(s.core, s.RedisKey(key), p, err, yield) || p.next == "0" {
				return
			}
		}
	}
}
