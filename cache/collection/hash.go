package collection

import (
	"context"
	"reflect"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/registry"
)

// A Hash is a family of keys that hold Redis hashes of a T's fields, as a cache.Cache
// with a mapping of package hashmap fills them. Its methods work on the fields of
// handles that hashmap.FieldOf has made. All are safe for concurrent use.
//
// A hash of which a field is missing that the mapping always stores is outdated for a cache, and
// for Load, see codec.ErrOutdated. Where hashes are to be written in part, or to become empty,
// give the mapping hashmap.MissingFieldsAreZero.
type Hash[K comparable, T any] struct {
	keyed[K]
	mapping *hashmap.Mapping[T]
}

// NewHash returns the hashes of a family of keys, see NewList.
func NewHash[K comparable, T any](rdb redis.UniversalClient, cfg HashConfig[K, T]) (*Hash[K, T], error) {
	var p keyspace.Problems
	p.Check(cfg.Mapping != nil, "Mapping is nil: make one with hashmap.Of")
	if cfg.Mapping != nil {
		p.Add("Mapping", cfg.Mapping.Check())
	}
	s := setup[K]{
		cfg.Name, cfg.Version, cfg.ControlPrefix, cfg.Key, cfg.TTL, cfg.StaleFor, cfg.Jitter, cfg.RedisTimeout, cfg.WaitReplicas,
	}
	values := registry.Values{
		Kind: "hash", Type: reflect.TypeFor[T](), Shape: codec.ShapeHash, Codec: cfg.Mapping,
	}
	k, err := s.open(rdb, values, &p)
	if err != nil {
		return nil, err
	}
	return &Hash[K, T]{k, cfg.Mapping}, nil
}

// With returns the same hashes with other rules for writes.
func (h *Hash[K, T]) With(opts ...Option) *Hash[K, T] {
	other := *h
	other.rules = h.rules.with(opts)
	return &other
}

// Get reads fields into the variables of destinations, which Field.Into makes, and returns
// how many of the fields the hash has. The variable of any other is set to zero, as is that
// of a field that cannot be read: then the error names the index of its destination, and the
// others are set. HMGET.
func (h *Hash[K, T]) Get(ctx context.Context, key K, into ...codec.FieldReader[T]) (found int, err error) {
	return do(ctx, h.get(key, into))
}

// Set stores values in fields, which Field.To assigns, and removes those whose value is
// stored as no field, such as a nil pointer. All are changed in one step, or none. A field
// loses its own TTL. HSET and HDEL.
//
// Where Redis knows no value, because it has expired for example, Set creates a hash of these
// fields alone. The GetOrSet of a cache of the same keys finds it outdated and loads the whole,
// see codec.ErrOutdated, unless all other fields may be left out: then it serves these fields
// as the whole. With(IfCached()) leaves such a key alone.
func (h *Hash[K, T]) Set(ctx context.Context, key K, assigned ...codec.FieldAppender[T]) error {
	_, err := do(ctx, h.set(key, assigned))
	return err
}

// Incr adds by to a field that holds an integer, or 0 if it is not there, and reads the
// result into the destination. If that is out of the range of its type, the error comes
// after the change. HINCRBY.
//
// Where Redis knows no value, Incr creates a hash of this field alone, which a cache may
// serve as the whole, see Set: use With(IfCached()).
func (h *Hash[K, T]) Incr(ctx context.Context, key K, into codec.FieldReader[T], by int64) error {
	_, err := do(ctx, h.incr(hashIncr, key, into, by))
	return err
}

// IncrFloat is Incr for a field that holds a floating-point number. HINCRBYFLOAT.
func (h *Hash[K, T]) IncrFloat(ctx context.Context, key K, into codec.FieldReader[T], by float64) error {
	_, err := do(ctx, h.incrFloat(key, into, by))
	return err
}

// Remove removes fields and returns how many of them were there. HDEL.
func (h *Hash[K, T]) Remove(ctx context.Context, key K, fields ...codec.Field[T]) (removed int, err error) {
	return do(ctx, h.remove(key, fields))
}
