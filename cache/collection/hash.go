package collection

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/registry"
	"github.com/asidecache/aside/internal/store"
)

// A Hash is a family of keys that hold Redis hashes of a T's fields, as a cache.Cache
// with a mapping of package hashmap fills them. Its methods work on the fields of
// handles that hashmap.FieldOf has made. All are safe for concurrent use.
type Hash[K comparable, T any] struct {
	keyed[K]
	mapping *hashmap.Mapping[T]
}

// NewHash returns the hashes of a family, see NewList.
func NewHash[K comparable, T any](rdb redis.UniversalClient, cfg HashConfig[K, T]) (*Hash[K, T], error) {
	var p keyspace.Problems
	p.Check(cfg.Mapping != nil, "Mapping is nil: make one with hashmap.Of")
	if cfg.Mapping != nil {
		p.Add("Mapping", cfg.Mapping.Check())
	}
	k, err := setup[K]{cfg.Name, cfg.Version, cfg.Key, cfg.TTL, cfg.Jitter, cfg.RedisTimeout, cfg.WaitReplicas}.open(rdb, registry.Values{
		Kind: "hash", Type: reflect.TypeFor[T](), Shape: codec.ShapeHash, Codec: cfg.Mapping,
	}, &p)
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

// Get reads chosen fields into the variables of destinations, which Field.Into makes,
// and returns how many of them the hash has. The variable of any other is set to zero, as
// is that of a field that cannot be read: then the error names the index of its
// destination, and the others are set. HMGET.
func (h *Hash[K, T]) Get(ctx context.Context, key K, into ...codec.FieldReader[T]) (found int, err error) {
	return do(ctx, h.get(key, into))
}

// Set gives chosen fields their values, which Field.To assigns, and removes those whose
// value is stored as no field, such as a nil pointer. All are changed in one step, or
// none. A field loses its own TTL. HSET and HDEL.
//
// Where Redis knows no value, an expired one say, Set creates a hash of these fields
// alone, and the GetOrSet of a cache of the same keys serves that as the whole, with all
// other fields zero. With(IfCached()) leaves such a key alone.
func (h *Hash[K, T]) Set(ctx context.Context, key K, assigned ...codec.FieldAppender[T]) error {
	_, err := do(ctx, h.set(key, assigned))
	return err
}

// Incr adds by to a field that holds an integer, or 0 if it is not there, and reads the
// result into the destination. If that is out of the range of its type, the error comes
// after the change. HINCRBY.
//
// Where Redis knows no value, Incr creates a hash of this field alone, which a cache
// serves as the whole, see Set: use With(IfCached()).
func (h *Hash[K, T]) Incr(ctx context.Context, key K, into codec.FieldReader[T], by int64) error {
	_, err := do(ctx, h.incr("Incr", "hincrby", key, into, by))
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

const (
	opLoad  cache.Op = "Load"
	opStore cache.Op = "Store"
)

// Load reads the whole hash. ok is false if Redis knows no value; a hash that is known to
// have no fields is the zero T. HGETALL.
func (h *Hash[K, T]) Load(ctx context.Context, key K) (v T, ok bool, err error) {
	name, err := h.redisKey(opLoad, key)
	switch {
	case err != nil:
		return v, false, err
	case h.core.closed.Load():
		return v, false, h.core.fail(opLoad, name, cache.ErrClosed, nil)
	}
	var e store.Entry
	now := time.Now()
	ok, err = h.core.store.Read(ctx, name, &e, now)
	switch {
	case err == nil && ok:
		e.State = store.Present
	case err == nil:
		err = h.core.store.Inspect(ctx, now.Add(h.core.timeout), name, &e, false)
	}
	if errors.Is(err, store.ErrWrongType) {
		err = h.core.store.WrongType(ctx, now, name)
	}
	if err != nil {
		return v, false, h.core.redisError(ctx, opLoad, name, err)
	}
	return h.loaded(name, &e)
}

// loaded is the value that was found.
func (h *Hash[K, T]) loaded(name string, e *store.Entry) (v T, ok bool, err error) {
	if e.State != store.Present {
		return v, false, nil
	}
	if err := h.decode(&e.Wire, &v); err != nil {
		var none T
		return none, false, h.core.fail(opLoad, name, cache.ErrDecode, err)
	}
	return v, true, nil
}

// Store replaces the whole value, whatever the key holds, and gives it the TTL. A script.
// IfCached has no effect on it.
func (h *Hash[K, T]) Store(ctx context.Context, key K, v T) error {
	if h.core.closed.Load() {
		return h.core.fail(opStore, "", cache.ErrClosed, nil)
	}
	name, e, ttl, err := h.prepare(key, &v)
	if err != nil {
		return err
	}
	if err := h.core.store.Put(ctx, time.Now().Add(h.core.timeout), name, e, ttl); err != nil {
		return h.storeFailed(ctx, name, e, err)
	}
	return nil
}

// storeFailed is the error of a Store that Redis has failed.
func (h *Hash[K, T]) storeFailed(ctx context.Context, name string, e *store.Entry, cause error) error {
	size, _ := e.Size()
	return h.core.redisError(ctx, opStore, name, store.Sized(cause, size))
}

// prepare encodes a value that is to be stored.
func (h *Hash[K, T]) prepare(key K, v *T) (name string, e *store.Entry, ttl time.Duration, err error) {
	name, err = h.redisKey(opStore, key)
	switch {
	case err != nil:
		return name, nil, 0, err
	case h.rules.err != nil:
		return name, nil, 0, h.core.fail(opStore, name, nil, h.rules.err)
	}
	e = new(store.Entry)
	e.Wire.Reset(name)
	if err := h.encode(e, v); err != nil {
		return name, nil, 0, h.core.fail(opStore, name, cache.ErrEncode, err)
	}
	return name, e, keyspace.Shorten(h.rules.ttl, h.core.jitter), nil
}

func (h *Hash[K, T]) encode(e *store.Entry, v *T) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = keyspace.CodecPanic(r)
		}
	}()
	if err = h.mapping.Encode(&e.Wire, v); err == nil {
		_, err = e.Size()
	}
	return err
}

func (h *Hash[K, T]) decode(w *codec.Wire, v *T) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = keyspace.CodecPanic(r)
		}
	}()
	return h.mapping.Decode(w, v)
}
