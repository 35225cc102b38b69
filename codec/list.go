package codec

import (
	"errors"
	"fmt"
)

// List keeps a slice in a Redis list, each element as the bytes of elem, so that
// other programs read and change it with LRANGE and RPUSH. Order, and what is in
// the slice twice, are kept.
//
// A slice without elements, nil or not, is read as one that is empty and not nil.
func List[E any](elem Value[E]) Codec[[]E] { return list[E]{elem} }

type list[E any] struct{ elem Value[E] }

func (list[E]) Shape() Shape { return ShapeList }

func (c list[E]) Check() error { return checkElem(c.elem, "List") }

func (c list[E]) Encode(w *Wire, v *[]E) error {
	if c.elem == nil {
		return c.Check()
	}
	for i, e := range *v {
		b, err := c.elem.AppendValue(w.Scratch(), e)
		if err != nil {
			return atElem(i, err)
		}
		w.Keep(nil, b)
	}
	return nil
}

func (c list[E]) Decode(w *Wire, v *[]E) error {
	if c.elem == nil {
		return c.Check()
	}
	elems := make([]E, w.Len())
	for i := range elems {
		if err := parseElem(w, i, c.elem, &elems[i]); err != nil {
			return err
		}
	}
	*v = elems
	return nil
}

// checkElem asks the codec of elements whether it can work.
func checkElem(elem any, of string) error {
	if elem == nil {
		return fmt.Errorf("codec: %s without a Value for its elements; use one such as Text or Msgpack", of)
	}
	return check(elem)
}

// parseElem reads an element of a list or a set.
func parseElem[E any](w *Wire, i int, elem Value[E], e *E) error {
	if w.Name(i) != nil {
		return atElem(i, errNamed)
	}
	if err := elem.ParseValue(w.Value(i), e); err != nil {
		return atElem(i, err)
	}
	return nil
}

var errNamed = errors.New("codec: it has a name, as only the parts of hashes and sorted sets have")

func atElem(i int, err error) error { return fmt.Errorf("codec: element %d: %w", i, err) }
