package collection

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
)

const (
	opLoad  cache.Op = "Load"
	opStore cache.Op = "Store"
)

// Load reads the whole hash. ok is false if Redis knows no value, or a hash that lacks a field
// which is always stored, see codec.ErrOutdated; a hash that is known to have no fields, and
// may have none, is the zero T. HGETALL.
func (h *Hash[K, T]) Load(ctx context.Context, key K) (v T, ok bool, err error) {
	name, err := h.redisKey(opLoad, key)
	switch {
	case err != nil:
		return v, false, err
	case h.core.closed.Load():
		return v, false, h.core.error(opLoad, name, cache.ErrClosed, nil)
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
	return both(h.loaded(ctx, now, name, &e, err))
}

// loaded is the result of a Load that began at now and found an entry, or failed.
func (h *Hash[K, T]) loaded(
	ctx context.Context, now time.Time, name string, e *store.Entry, err error,
) (f Found[T], _ error) {
	if errors.Is(err, store.ErrWrongType) {
		err = h.core.store.WrongType(ctx, now, name)
	}
	if err != nil {
		return f, h.core.redisError(ctx, opLoad, name, err)
	}
	if e.State != store.Present {
		return f, nil
	}
	switch err := h.decode(&e.Wire, &f.Value); {
	case errors.Is(err, codec.ErrOutdated):
		return Found[T]{}, nil
	case err != nil:
		return Found[T]{}, h.core.error(opLoad, name, cache.ErrDecode, err)
	}
	f.OK = true
	return f, nil
}

// Store replaces the whole value, whatever the key holds, and gives it the TTL. A script.
// IfCached has no effect on it.
func (h *Hash[K, T]) Store(ctx context.Context, key K, v T) error {
	if h.core.closed.Load() {
		return h.core.error(opStore, "", cache.ErrClosed, nil)
	}
	name, e, ttl, err := h.prepare(key, &v)
	if err != nil {
		return err
	}
	h.core.store.Written(name)
	defer h.core.store.Written(name)
	err = h.core.store.Put(ctx, time.Now().Add(h.core.timeout), name, e, ttl)
	return h.stored(ctx, name, e, err)
}

// stored is the error of a Store, from what Redis said.
func (h *Hash[K, T]) stored(ctx context.Context, name string, e *store.Entry, err error) error {
	if err == nil {
		return nil
	}
	size, _ := e.Size()
	return h.core.redisError(ctx, opStore, name, store.Sized(err, size))
}

// prepare encodes a value that is to be stored.
func (h *Hash[K, T]) prepare(key K, v *T) (
	name string, e *store.Entry, ttl time.Duration, err error,
) {
	name, err = h.redisKey(opStore, key)
	switch {
	case err != nil:
		return name, nil, 0, err
	case h.rules.err != nil:
		return name, nil, 0, h.core.error(opStore, name, nil, h.rules.err)
	}
	e = new(store.Entry)
	e.Wire.Reset(name)
	if err := h.encode(e, v); err != nil {
		return name, nil, 0, h.core.error(opStore, name, cache.ErrEncode, err)
	}
	return name, e, h.core.storedTTL(h.rules.ttl), nil
}

func (h *Hash[K, T]) encode(e *store.Entry, v *T) (err error) {
	defer keyspace.RecoverCodec(&err)
	if err = h.mapping.Encode(&e.Wire, v); err == nil {
		_, err = e.Size()
	}
	return err
}

func (h *Hash[K, T]) decode(w *codec.Wire, v *T) (err error) {
	defer keyspace.RecoverCodec(&err)
	return h.mapping.Decode(w, v)
}
