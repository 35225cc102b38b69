package codec

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
)

// Set keeps a set in a Redis set, each element as the bytes of elem, so that other
// programs read and change it with SMEMBERS and SADD.
//
// Elements of which elem writes the same bytes are one to Redis: Encode refuses a
// set with two of them. The bytes of other programs may differ where the elements
// do not, such as 1 and 01: these are read as the one element they are.
//
// A set without elements, nil or not, is read as one that is empty and not nil.
func Set[E comparable](elem Value[E]) Codec[map[E]struct{}] {
	return set[E]{elem, mayNotHash(reflect.TypeFor[E]())}
}

type set[E comparable] struct {
	elem   Value[E]
	unsure bool // an element may hold, in an interface, what cannot be a map's key
}

func (set[E]) Shape() Shape { return ShapeSet }

func (c set[E]) Check() error { return checkElem(c.elem, "Set") }

// Encode sorts the elements, which finds those that occur twice, makes the
// bytes always the same, and is the order that Redis adds them in fastest.
func (c set[E]) Encode(w *Wire, v *map[E]struct{}) error {
	if c.elem == nil {
		return c.Check()
	}
	for e := range *v {
		b, err := c.elem.AppendValue(w.Scratch(), e)
		if err != nil {
			return err
		}
		w.Keep(nil, b)
	}
	slices.SortFunc(w.spans, func(a, b span) int { return bytes.Compare(a.value, b.value) })
	for i := 1; i < len(w.spans); i++ {
		if bytes.Equal(w.spans[i-1].value, w.spans[i].value) {
			return errors.New("codec: two elements of the set have the same bytes, which Redis would take for one")
		}
	}
	return nil
}

func (c set[E]) Decode(w *Wire, v *map[E]struct{}) error {
	if c.elem == nil {
		return c.Check()
	}
	elems := make(map[E]struct{}, w.Len())
	for i := range w.Len() {
		var e E
		if err := parseElem(w, i, c.elem, &e); err != nil {
			return err
		}
		if c.unsure && !reflect.ValueOf(&e).Elem().Comparable() {
			return atElem(i, errors.New("codec: it cannot be an element of a set, as it holds a slice, a map or a function"))
		}
		elems[e] = struct{}{}
	}
	*v = elems
	return nil
}

// mayNotHash reports whether t is comparable, but a value of it may not be.
func mayNotHash(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Array:
		return mayNotHash(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if mayNotHash(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}
