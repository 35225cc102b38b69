package compare

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/asidecache/aside/codec"
)

// Spans reports whether two values have the same parts in the same order.
func Spans(a, b *codec.Wire) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !bytes.Equal(a.Name(i), b.Name(i)) || !bytes.Equal(a.Value(i), b.Value(i)) {
			return false
		}
	}
	return true
}

// Answers is Spans for two answers of Redis about one entry: it gives the parts of a set or a hash
// in any order, and not always in the same.
func Answers(a, b *codec.Wire) bool {
	return a.Len() == b.Len() && (Spans(a, b) || slices.Equal(sortedSpans(a), sortedSpans(b)))
}

type span struct{ name, value string }

func sortedSpans(w *codec.Wire) []span {
	spans := make([]span, w.Len())
	for i := range spans {
		spans[i] = span{string(w.Name(i)), string(w.Value(i))}
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value))
	})
	return spans
}
