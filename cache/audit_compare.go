package cache

import (
	"bytes"
	"context"
	"fmt"
	"reflect"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/compare"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/store"
)

// Found is part of protocol.Auditor.
func (l *loads[K, V]) Found(j *protocol.Job) (protocol.State, error) {
	item := &l.items[j.Index]
	switch {
	case item.found:
		return protocol.Present, nil
	case l.isAbsent(item):
		return protocol.Absent, nil
	}
	return protocol.Unknown, item.err
}

// Compare is part of protocol.Auditor. Values are compared as the codec decodes them, also the one
// that was loaded: what it does not store is no difference.
func (l *loads[K, V]) Compare(j *protocol.Job, cached *store.Entry) (same bool, fields []string, err error) {
	c := l.cache
	loaded := l.items[j.Index].entry.Value // whatever the codec does to what it is shown
	var encoded store.Entry
	if _, err := c.encodeUnproven(&encoded, j.Key, &loaded); err != nil {
		return false, nil, c.notCompared(Op(l.run.Op), j.Key, ErrEncode, err)
	}
	if compare.Spans(&cached.Wire, &encoded.Wire) {
		return true, nil, nil
	}
	was, err := c.parsed(cached)
	if err != nil {
		return false, nil, c.notCompared(Op(l.run.Op), j.Key, ErrDecode, err)
	}
	is, err := c.parsed(&encoded)
	if err != nil {
		return false, nil, c.notCompared(Op(l.run.Op), j.Key, ErrEncode, err)
	}
	same, err = c.same(&was, &is)
	switch {
	case err != nil:
		return false, nil, c.notCompared(Op(l.run.Op), j.Key, ErrPanic, err)
	case same:
		return true, nil, nil
	case c.codec.Shape() == codec.ShapeHash:
		fields = c.hashFields(&cached.Wire, &encoded.Wire, &was)
	}
	if len(fields) == 0 {
		fields = compare.Fields(reflect.ValueOf(&was).Elem(), reflect.ValueOf(&is).Elem())
	}
	return false, fields, nil
}

// notCompared tells that an audit has failed.
func (c *Cache[K, V]) notCompared(op Op, key string, kind, cause error) error {
	err := c.core.error(op, key, kind, fmt.Errorf("in an audit: %w", cause))
	c.core.observer.survived(context.Background(), err)
	return err
}

// parsed returns the value of an entry, which stays as it is.
func (c *Cache[K, V]) parsed(e *store.Entry) (v V, err error) {
	var own store.Entry
	own.Alias(e)
	err = c.parse(&own.Wire, &v)
	return v, err
}

// same compares by Config.Equal, or else by all that the codec stores.
func (c *Cache[K, V]) same(a, b *V) (same bool, err error) {
	if c.equal == nil {
		return compare.Same(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()), nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("Config.Equal panicked with a value of type %T", r)
		}
	}()
	return c.equal(*a, *b), nil
}

// maxFields bounds the fields that are named.
const maxFields = 32

// hashFields names the fields in which two forms of a hash differ, of which the first is decoded as
// was: those that make another value of it.
func (c *Cache[K, V]) hashFields(a, b *codec.Wire, was *V) (names []string) {
	for i := 0; i < a.Len() && len(names) < maxFields; i++ {
		name := a.Name(i)
		if n := spanOf(b, name); (n < 0 || !bytes.Equal(a.Value(i), b.Value(n))) && c.fieldDiffers(a, b, name, was) {
			names = append(names, string(name))
		}
	}
	for i := 0; i < b.Len() && len(names) < maxFields; i++ {
		if name := b.Name(i); spanOf(a, name) < 0 && c.fieldDiffers(a, b, name, was) {
			names = append(names, string(name))
		}
	}
	return names
}

// fieldDiffers reports whether a, with one field as b has it, is decoded as something else.
func (c *Cache[K, V]) fieldDiffers(a, b *codec.Wire, name []byte, was *V) bool {
	var mixed store.Entry
	mixed.Wire.Reset(a.Key())
	for i := range a.Len() {
		if !bytes.Equal(a.Name(i), name) {
			mixed.Wire.Add(a.Name(i), a.Value(i))
		}
	}
	if n := spanOf(b, name); n >= 0 {
		mixed.Wire.Add(name, b.Value(n))
	}
	v, err := c.parsed(&mixed)
	if err != nil {
		return true
	}
	same, err := c.same(was, &v)
	return err != nil || !same
}
