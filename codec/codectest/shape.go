package codectest

import (
	"bytes"
	"math"
	"strconv"
	"testing"

	"github.com/asidecache/aside/codec"
)

// checkShape checks that Redis can hold the spans, and all of them, in the type of
// the codec's shape.
func (s Suite[V]) checkShape(t testing.TB, label string, spans []span) {
	t.Helper()
	shape := s.Codec.Shape()
	named := shape == codec.ShapeHash || shape == codec.ShapeSortedSet
	for _, sp := range spans {
		switch {
		case shape > codec.ShapeSortedSet:
			t.Errorf("%s: the codec has no known shape", label)
			return
		case named && sp.name == nil:
			t.Errorf("%s: a span of a %v has no name", label, shape)
			return
		case !named && sp.name != nil:
			t.Errorf("%s: a span of a %v has a name", label, shape)
			return
		}
	}
	switch shape {
	case codec.ShapeString:
		if len(spans) != 1 {
			t.Errorf("%s: a string is one span, Encode made %d", label, len(spans))
		}
	case codec.ShapeHash:
		if anyTwice(spans, func(sp span) []byte { return sp.name }) {
			t.Errorf("%s: two spans of a hash have one name", label)
		}
	case codec.ShapeSet, codec.ShapeSortedSet:
		if anyTwice(spans, func(sp span) []byte { return sp.value }) {
			t.Errorf("%s: two elements of a %v have the same bytes", label, shape)
		}
	}
	if shape == codec.ShapeSortedSet {
		checkScores(t, label, spans)
	}
}

func anyTwice(spans []span, what func(span) []byte) bool {
	seen := map[string]bool{}
	for _, sp := range spans {
		if seen[string(what(sp))] {
			return true
		}
		seen[string(what(sp))] = true
	}
	return false
}

// checkScores checks that the elements of a sorted set have scores that Redis accepts,
// and the order in which it returns them: a caller that shares a load decodes what was encoded.
func checkScores(t testing.TB, label string, spans []span) {
	t.Helper()
	previous, score := math.Inf(-1), 0.0
	for i, sp := range spans {
		var err error
		if score, err = strconv.ParseFloat(string(sp.name), 64); err != nil || math.IsNaN(score) {
			t.Errorf("%s: a score of a zset is no number", label)
			return
		}
		if score < previous || i > 0 && score == previous && bytes.Compare(spans[i-1].value, sp.value) > 0 {
			t.Errorf("%s: the elements of a zset are not in Redis's order, by score and then by bytes", label)
			return
		}
		previous = score
	}
}
