package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// GetFields reads chosen fields of the value of key, which the cache's codec keeps in a
// Redis hash, into variables of their types:
//
//	ok, err := users.GetFields(ctx, 42, db.User, name.Into(&n), age.Into(&a))
//
// Package hashmap makes the destinations. A field that the entry does not have sets its
// variable to zero if it may be left out: nil pointers, and what is left out when empty. If it
// is always stored, the entry is one of another version, which counts as missing.
//
// When Redis has no value, the whole of it is loaded by load and stored, by the rules
// of GetOrSet, and the variables are set from it; ErrNotFound says that the source has
// none. A nil load loads nothing: ok is false then, and the error nil, for a key that
// is missing as for one that the source does not have, as with Get. Otherwise ok is
// true when the error is nil.
//
// The variables are set before the call returns. They all hold fields of one value;
// after an error, or when ok is false, they hold nothing to rely on.
//
// A field that cannot be decoded makes the entry a broken one, which counts as missing.
// A codec that keeps no hash, and a field that is not of the cache's own codec, are
// errors, as is a call for no field.
//
// A hit costs one plain HMGET. Where the entry has none of the fields, the whole of it
// is read to be sure that it is there. Where the near cache has the value, its fields are taken
// from that; what is read of Redis is not kept there, as it is not the whole.
func (c *Cache[K, V]) GetFields(ctx context.Context, key K, load loader.Func[K, V], into ...codec.FieldReader[V]) (ok bool, err error) {
	r, err := c.begin(OpGetFields, key)
	if err != nil {
		return false, err
	}
	to, err := c.destinations(into)
	if err != nil {
		return false, c.core.error(OpGetFields, r.redisKey, nil, err)
	}
	if c.core.near != nil {
		if h, ok := c.nearLookup(ctx, OpGetFields, key, settings{}, load != nil); ok {
			return c.nearFields(ctx, r, h, to, load)
		}
	}
	if load == nil {
		return c.getFields(ctx, r, to)
	}
	if !c.core.engine.PredictsMiss(r.redisKey) {
		err = c.readFields(ctx, r, to)
		// Without leases the load looks first.
		if err == nil && r.state == Missing && !r.broken && c.core.engine.Lease != Off {
			var found bool
			if found, err = c.core.readAgain(ctx, &r.lookup); found {
				c.fill(ctx, r, to)
			}
		}
		if err == nil && r.state.hasValue() {
			c.core.found(ctx, &r.lookup)
			if c.core.isDue(&r.lookup) {
				c.refresh(ctx, r, entryFunc(load), settings{})
			}
			c.end(r)
			return true, nil
		}
	}
	redisKey := r.redisKey // load ends the request
	v, err := c.load(ctx, r, err, entryFunc(load), settings{})
	if err != nil {
		return false, err
	}
	err = c.setFields(redisKey, &v, to)
	return err == nil, err
}

// getFields is GetFields without a load.
func (c *Cache[K, V]) getFields(ctx context.Context, r *request[K, V], to destinations[V]) (ok bool, err error) {
	err = c.readFields(ctx, r, to)
	if err == nil && r.state == Missing && !r.broken {
		err = c.inspectedFields(ctx, r, to, c.core.inspect(ctx, &r.lookup, false))
	}
	if err != nil {
		return false, c.core.unanswered(ctx, &r.lookup, err)
	}
	c.core.found(ctx, &r.lookup)
	ok = r.state.hasValue()
	c.end(r)
	return ok, nil
}

// nearFields is GetFields of a value that the near tier has.
func (c *Cache[K, V]) nearFields(ctx context.Context, r *request[K, V], h nearHit[K, V], to destinations[V], load loader.Func[K, V]) (ok bool, err error) {
	switch {
	case h.state.hasValue():
		v := h.entry.value
		err = c.setFields(r.redisKey, &v, to)
	case load != nil:
		err = ErrNotFound
	}
	c.end(r)
	if h.due {
		c.refreshNear(ctx, h, entryFunc(load), nil)
	}
	return err == nil && h.state.hasValue(), err
}

// readFields sets r.state to Present, and the destinations, by one plain read, if the
// entry has any of the fields. If it has none, only a read of the whole tells whether
// it is there.
func (c *Cache[K, V]) readFields(ctx context.Context, r *request[K, V], to destinations[V]) error {
	if undelivered, err := c.core.undelivered(ctx, r.redisKey); undelivered {
		return err
	}
	found, err := c.core.store.ReadFields(ctx, r.redisKey, to.names, &r.entry, r.began)
	switch {
	case store.IsBroken(err):
		c.core.reportBroken(ctx, &r.lookup, err)
		return nil
	case err != nil:
		return err
	case found:
		c.fill(ctx, r, to)
	}
	return nil
}

// inspectedFields is inspected for an entry that may hold the destinations' fields alone.
func (c *Cache[K, V]) inspectedFields(ctx context.Context, r *request[K, V], to destinations[V], err error) error {
	found, err := c.core.inspected(ctx, &r.lookup, err)
	if found {
		c.fill(ctx, r, to)
	}
	return err
}

// fill sets the destinations from r.entry, which has a value. A field that cannot be decoded
// makes the entry a broken one.
func (c *Cache[K, V]) fill(ctx context.Context, r *request[K, V], to destinations[V]) {
	if err := to.parse(&r.entry.Wire); err != nil {
		c.core.reportBroken(ctx, &r.lookup, err)
		return
	}
	r.state = c.core.valueState(&r.entry)
}

// setFields sets the destinations from a value that was loaded, or that another call
// has found, by the form that it has in Redis.
func (c *Cache[K, V]) setFields(redisKey string, v *V, to destinations[V]) error {
	var e store.Entry
	if _, err := c.encode(&e, redisKey, v); err != nil {
		return c.core.error(OpGetFields, redisKey, ErrEncode, err)
	}
	if err := to.parse(&e.Wire); err != nil {
		c.core.trial.begin()
		return c.core.error(OpGetFields, redisKey, ErrEncode, err)
	}
	return nil
}

// destinations are what fields are read into, by their names.
type destinations[V any] struct {
	names [][]byte
	into  []codec.FieldReader[V]
}

var (
	errNoHash   = errors.New("the cache's codec keeps values in no Redis hash: use one of hashmap.Of to read single fields, or Get for the whole value")
	errNoFields = errors.New("no field is asked for: name at least one")
)

// destinations returns what is to be read, or says what is wrong with it.
func (c *Cache[K, V]) destinations(into []codec.FieldReader[V]) (to destinations[V], err error) {
	switch {
	case c.codec.Shape() != codec.ShapeHash:
		return to, errNoHash
	case len(into) == 0:
		return to, errNoFields
	}
	to = destinations[V]{make([][]byte, len(into)), into}
	for i, d := range into {
		if d == nil {
			return to, fmt.Errorf("destination %d is nil", i)
		}
		if err := d.Check(); err != nil {
			return to, err
		}
		if !sameCodec(d.Codec(), c.codec) {
			return to, fmt.Errorf("field %q is not of the cache's own codec: make it of the mapping that Config.Codec has", d.FieldName())
		}
		to.names[i] = []byte(d.FieldName())
	}
	return to, nil
}

// parse sets the destinations from the spans of a hash.
func (to destinations[V]) parse(w *codec.Wire) (err error) {
	defer keyspace.RecoverCodec(&err)
	for i, d := range to.into {
		n := spanOf(w, to.names[i])
		switch always, _ := d.(codec.AlwaysStored); {
		case n < 0 && always != nil && always.AlwaysStored():
			return fmt.Errorf("a hash without field %q: %w", to.names[i], codec.ErrOutdated)
		case n < 0:
			d.ClearField()
		default:
			if err := d.ParseField(w.Value(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// spanOf returns the span of a hash with this name, or -1.
func spanOf(w *codec.Wire, name []byte) int {
	for i := range w.Len() {
		if bytes.Equal(w.Name(i), name) {
			return i
		}
	}
	return -1
}

// sameCodec reports whether two codecs are one. What cannot be compared is not known
// to differ.
func sameCodec(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && (!reflect.ValueOf(a).Comparable() || a == b)
}
