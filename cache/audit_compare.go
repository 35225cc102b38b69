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
	loaded := l.items[j.Index].value // whatever the codec does to what it is shown
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
		fields = hashFields(&cached.Wire, &encoded.Wire, func(mixed *store.Entry) bool {
			v, err := c.parsed(mixed)
			if err != nil {
				return true
			}
			same, err := c.same(&was, &v)
			return err != nil || !same
		})
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

const (
	maxFields    = 32  // that are named
	maxDiffering = 128 // that are decoded to see whether they differ
	maxFieldName = 256 // bytes
)

// hashFields names the fields in which two forms of a hash differ and that make another value of
// the first: differs reports whether an entry is decoded as something else than that.
func hashFields(a, b *codec.Wire, differs func(mixed *store.Entry) bool) (names []string) {
	inA, inB := spansOf(a), spansOf(b)
	var differing [][]byte
	for i := range a.Len() {
		if n, ok := inB[string(a.Name(i))]; !ok || !bytes.Equal(a.Value(i), b.Value(n)) {
			differing = append(differing, a.Name(i))
		}
	}
	for i := range b.Len() {
		if _, ok := inA[string(b.Name(i))]; !ok {
			differing = append(differing, b.Name(i))
		}
	}
	for _, name := range differing[:min(len(differing), maxDiffering)] {
		if n, ok := inB[string(name)]; len(names) < maxFields && differs(mixed(a, b, name, n, ok)) {
			names = append(names, string(name[:min(len(name), maxFieldName)]))
		}
	}
	return names
}

// spansOf returns where the fields of a hash are.
func spansOf(w *codec.Wire) map[string]int {
	at := make(map[string]int, w.Len())
	for i := range w.Len() {
		at[string(w.Name(i))] = i
	}
	return at
}

// mixed is a with one field as b has it, or has not.
func mixed(a, b *codec.Wire, name []byte, inB int, there bool) *store.Entry {
	e := new(store.Entry)
	e.Wire.Reset(a.Key())
	for i := range a.Len() {
		if !bytes.Equal(a.Name(i), name) {
			e.Wire.Add(a.Name(i), a.Value(i))
		}
	}
	if there {
		e.Wire.Add(name, b.Value(inB))
	}
	return e
}
