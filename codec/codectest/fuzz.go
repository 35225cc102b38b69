package codectest

import (
	"testing"

	"github.com/asidecache/aside/codec"
)

// Fuzz runs Suite.Fuzz with the codec, the values as seeds, and the defaults.
func Fuzz[V any](f *testing.F, c codec.Codec[V], values ...V) {
	f.Helper()
	Suite[V]{Codec: c, Values: values}.Fuzz(f)
}

// Fuzz calls Decode with the bytes of the fuzzing engine, starting from those of
// Values, and fails where Run fails on hostile bytes. The engine's bytes are
// those of a string; for the other shapes they are split into spans.
func (s Suite[V]) Fuzz(f *testing.F) {
	f.Helper()
	s = s.withDefaults()
	shape := s.Codec.Shape()
	for i := range s.Values {
		w, err := s.encode(&s.Values[i])
		if err != nil {
			f.Fatalf("value %d: Encode: %v", i, err)
		}
		f.Add(join(shape, copySpans(w)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if fault := s.attack(split(shape, b)); fault != "" {
			t.Error(fault)
		}
	})
}
