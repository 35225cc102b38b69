package codectest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/asidecache/aside/codec"
)

// A Suite says what a codec is tested with. Codec and Values are required.
type Suite[V any] struct {
	Codec   codec.Codec[V]
	Values  []V               // must be read as they are
	Refused []V               // Encode must return an error
	Equal   func(a, b V) bool // default: reflect.DeepEqual

	// Deterministic demands that a value always has the same bytes. Leave it out
	// for codecs that encrypt or that range over a map.
	Deterministic bool

	// MaxRatio is how many bytes of memory one stored byte may cost, besides a
	// mebibyte for all of them. 0 means 4096, which is more than any codec of
	// package codec needs.
	MaxRatio int
}

// Run checks the codec with the values and the defaults of Suite, and reports
// each broken rule to t.
func Run[V any](t testing.TB, c codec.Codec[V], values ...V) {
	t.Helper()
	Suite[V]{Codec: c, Values: values}.Run(t)
}

// Run reports each broken rule to t.
func (s Suite[V]) Run(t testing.TB) {
	t.Helper()
	if len(s.Values) == 0 {
		t.Errorf("codectest: no values: give Run at least one")
		return
	}
	s = s.withDefaults()
	if c, ok := s.Codec.(codec.Checker); ok {
		if err := c.Check(); err != nil {
			t.Errorf("Check: %v", err)
			return
		}
	}
	encoded := s.checkValues(t)
	s.checkRefused(t)
	if len(encoded) < len(s.Values) {
		return // the rest would only repeat it
	}
	s.checkConcurrency(t)
	for _, spans := range encoded {
		s.checkHostile(t, spans)
	}
	if i := slices.IndexFunc(encoded, func(spans []span) bool { return len(spans) > 0 }); i >= 0 {
		s.checkNesting(t, encoded[i])
	}
}

func (s Suite[V]) withDefaults() Suite[V] {
	if s.Equal == nil {
		s.Equal = func(a, b V) bool { return reflect.DeepEqual(a, b) }
	}
	if s.MaxRatio == 0 {
		s.MaxRatio = 4096
	}
	return s
}
