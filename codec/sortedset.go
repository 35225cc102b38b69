package codec

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"unsafe"
)

// Scored is an element of a sorted set with the number that it is sorted by.
type Scored[E any] struct {
	Elem  E
	Score float64
}

// SortedSet keeps scored elements in a Redis sorted set, each as the bytes of elem,
// so that other programs read and change them with ZRANGE and ZADD. Scores come back
// as they were, infinities too; NaN is refused.
//
// A sorted set is read in Redis's order, whatever its order when it was stored: by
// score, and where these are equal by the bytes of the elements. An element is in a
// sorted set once: Encode refuses two of which elem writes the same bytes.
//
// A slice without elements, nil or not, is read as one that is empty and not nil.
func SortedSet[E any](elem Value[E]) Codec[[]Scored[E]] { return sortedSet[E]{elem} }

type sortedSet[E any] struct{ elem Value[E] }

func (sortedSet[E]) Shape() Shape { return ShapeSortedSet }

func (c sortedSet[E]) Check() error { return checkElem(c.elem, "SortedSet") }

func (c sortedSet[E]) Encode(w *Wire, v *[]Scored[E]) error {
	if c.elem == nil {
		return c.Check()
	}
	for i, e := range *v {
		if math.IsNaN(e.Score) {
			return atElem(i, errors.New("codec: its score is NaN, which Redis cannot sort by"))
		}
		score := appendScore(w.Scratch(), e.Score)
		b, err := c.elem.AppendValue(score, e.Elem)
		if err != nil {
			return atElem(i, err)
		}
		w.keepNamed(b, len(score))
	}
	return sortScored(w.spans, *v)
}

// sortScored sorts the spans of elems in Redis's order, and refuses what is among
// them twice.
func sortScored[E any](spans []span, elems []Scored[E]) error {
	type scored struct {
		span
		score float64
	}
	parts := make([]scored, len(spans))
	for i, sp := range spans {
		parts[i] = scored{sp, elems[i].Score}
	}
	byBytes := func(a, b scored) int { return bytes.Compare(a.value, b.value) }
	slices.SortFunc(parts, byBytes)
	for i := 1; i < len(parts); i++ {
		if byBytes(parts[i-1], parts[i]) == 0 {
			return errors.New("codec: two elements of the sorted set have the same bytes, of which Redis would keep one")
		}
	}
	slices.SortStableFunc(parts, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	for i, p := range parts {
		spans[i] = p.span
	}
	return nil
}

func (c sortedSet[E]) Decode(w *Wire, v *[]Scored[E]) (err error) {
	if c.elem == nil {
		return c.Check()
	}
	elems := make([]Scored[E], w.Len())
	for i := range elems {
		e := &elems[i]
		if e.Score, err = parseScore(w.Name(i)); err != nil {
			return atElem(i, err)
		}
		if err := c.elem.ParseValue(w.Value(i), &e.Elem); err != nil {
			return atElem(i, err)
		}
	}
	*v = elems
	return nil
}

// appendScore writes a score as Redis does.
func appendScore(dst []byte, score float64) []byte {
	switch {
	case math.IsInf(score, 1):
		return append(dst, "inf"...)
	case math.IsInf(score, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, score, 'g', -1, 64)
}

var errScore = errors.New("codec: its score is no number")

func parseScore(src []byte) (float64, error) {
	text := unsafe.String(unsafe.SliceData(src), len(src)) // strconv keeps nothing but in its error
	if n, ok := parseShort(text); ok {
		return float64(n), nil
	}
	score, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(score) {
		return 0, errScore
	}
	return score, nil
}
