package collection

import (
	"context"
	"iter"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// A List is a family of keys that hold Redis lists, as a cache.Cache with codec.List
// fills them. All its methods are safe for concurrent use.
type List[K comparable, E any] struct {
	elements[K, E]
}

// NewList returns the lists of a family of keys. rdb may be shared with others and is not
// closed; what cache.New says of it holds here. If the configuration cannot work, the error
// names all that is wrong with it.
func NewList[K comparable, E any](rdb redis.UniversalClient, cfg Config[K, E]) (*List[K, E], error) {
	c, err := openElements(rdb, cfg, codec.ShapeList, "list")
	if err != nil {
		return nil, err
	}
	return &List[K, E]{c}, nil
}

// With returns the same lists with other rules for writes.
func (l *List[K, E]) With(opts ...Option) *List[K, E] {
	other := *l
	other.rules = l.rules.with(opts)
	return &other
}

// PushFront adds elements in front of the first, one after the other, so that the
// last of them is the new first one. It returns the new length. LPUSH.
func (l *List[K, E]) PushFront(ctx context.Context, key K, elems ...E) (length int, err error) {
	return do(ctx, l.push(listPushFront, key, elems))
}

// PushBack adds elements behind the last and returns the new length. RPUSH.
func (l *List[K, E]) PushBack(ctx context.Context, key K, elems ...E) (length int, err error) {
	return do(ctx, l.push(listPushBack, key, elems))
}

// InsertBefore adds e in front of the first element that equals pivot, and returns the
// new length. Without such an element it adds nothing and returns 0. LINSERT.
func (l *List[K, E]) InsertBefore(ctx context.Context, key K, pivot, e E) (length int, err error) {
	return do(ctx, l.insert(listInsertBefore, "before", key, pivot, e))
}

// InsertAfter is InsertBefore for the place behind the pivot.
func (l *List[K, E]) InsertAfter(ctx context.Context, key K, pivot, e E) (length int, err error) {
	return do(ctx, l.insert(listInsertAfter, "after", key, pivot, e))
}

// PopFront removes and returns the first n elements, or as many as there are. One that
// cannot be decoded is gone. LPOP.
func (l *List[K, E]) PopFront(ctx context.Context, key K, n int) ([]E, error) {
	return do(ctx, l.pop(listPopFront, key, n))
}

// PopBack removes and returns the last n elements, the last one first, or as many as
// there are. One that cannot be decoded is gone. RPOP.
func (l *List[K, E]) PopBack(ctx context.Context, key K, n int) ([]E, error) {
	return do(ctx, l.pop(listPopBack, key, n))
}

// At returns the element at an index; -1 is the last one. ok is false where there is
// none. LINDEX.
func (l *List[K, E]) At(ctx context.Context, key K, index int) (e E, ok bool, err error) {
	return both(do(ctx, l.at(key, index)))
}

// Range returns the elements from one index to another, including both. LRANGE.
func (l *List[K, E]) Range(ctx context.Context, key K, first, last int) ([]E, error) {
	return do(ctx, l.slice(key, first, last))
}

// Trim removes all elements but those from one index to another, including both. LTRIM.
func (l *List[K, E]) Trim(ctx context.Context, key K, first, last int) error {
	_, err := do(ctx, l.trim(key, first, last))
	return err
}

// Len returns the number of elements. LLEN.
func (l *List[K, E]) Len(ctx context.Context, key K) (int, error) {
	return do(ctx, l.length(listLen, key))
}

// All yields the elements in their order, and reads them in pages. A change between two
// pages moves elements: one may be yielded twice, or not at all. An element that cannot be
// decoded is yielded as the zero value with an error; the iteration continues. Any other
// error ends it.
func (l *List[K, E]) All(ctx context.Context, key K) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		for first := 0; ; first += page {
			p, err := do(ctx, l.pageOf(key, first))
			if !yieldAll(l.core, l.RedisKey(key), p, err, yield) || len(p.values) < page {
				return
			}
		}
	}
}
