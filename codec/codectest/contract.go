package codectest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/asidecache/aside/codec"
)

// checkValues checks what a codec does to good values, and returns their spans.
func (s Suite[V]) checkValues(t testing.TB) (encoded [][]span) {
	t.Helper()
	for i := range s.Values {
		spans, ok := s.checkValue(t, fmt.Sprintf("value %d", i), &s.Values[i])
		if ok {
			encoded = append(encoded, spans)
		}
	}
	if len(encoded) == len(s.Values) {
		s.checkReuse(t)
	}
	return encoded
}

func (s Suite[V]) checkValue(t testing.TB, label string, v *V) ([]span, bool) {
	t.Helper()
	before := snapshot(v)
	w, err := s.encode(v)
	if err != nil {
		t.Errorf("%s: Encode: %v", label, err)
		return nil, false
	}
	if snapshot(v) != before {
		t.Errorf("%s: Encode changed the value", label)
		return nil, false
	}
	spans := copySpans(w)
	s.checkShape(t, label, spans)
	if !s.checkDecode(t, label, spans, v) {
		return nil, false
	}
	if s.Deterministic {
		if again, err := s.encode(v); err != nil || !equalSpans(spans, copySpans(again)) {
			t.Errorf("%s: a second Encode gave other bytes", label)
		}
	}
	if values, ok := s.Codec.(codec.Value[V]); ok {
		s.checkAppend(t, label, values, *v)
	}
	return spans, true
}

// checkDecode checks that the spans decode to v, and what Decode does with their
// memory.
func (s Suite[V]) checkDecode(t testing.TB, label string, spans []span, v *V) bool {
	t.Helper()
	copied := cloneSpans(spans)
	back, err := s.decode(wireOf(copied))
	switch {
	case errors.Is(err, codec.ErrOutdated):
		t.Errorf("%s: Decode takes what Encode wrote for an entry of another version, which a cache would load again and again: %v", label, err)
	case err != nil:
		t.Errorf("%s: Decode of what Encode wrote: %v", label, err)
	case !s.Equal(*v, back):
		t.Errorf("%s: what Decode gave is not equal to what Encode was given", label)
	case !equalSpans(spans, copied):
		t.Errorf("%s: Decode wrote to the bytes it borrowed", label)
	default:
		if scribble(copied); s.Equal(*v, back) {
			return true
		}
		t.Errorf("%s: Decode kept bytes it borrowed: the value changed with them", label)
	}
	return false
}

// checkAppend checks AppendValue with a prefix, in memory of its own.
func (s Suite[V]) checkAppend(t testing.TB, label string, c codec.Value[V], v V) {
	t.Helper()
	before := snapshot(&v)
	for _, room := range []int{0, 4096} {
		const prefix = "a prefix"
		dst := append(make([]byte, 0, len(prefix)+room), prefix...)
		b, err := c.AppendValue(dst, v)
		if err != nil {
			t.Errorf("%s: AppendValue: %v", label, err)
			return
		}
		rest, ok := bytes.CutPrefix(b, []byte(prefix))
		if !ok || string(dst) != prefix {
			t.Errorf("%s: AppendValue did not keep what stood in dst", label)
			return
		}
		var back V
		if err := c.ParseValue(bytes.Clone(rest), &back); err != nil || !s.Equal(v, back) {
			t.Errorf("%s: what AppendValue put behind a prefix does not come back", label)
		}
	}
	b, err := c.AppendValue(nil, v)
	if err != nil {
		t.Errorf("%s: AppendValue to nil: %v", label, err)
	}
	scribble([]span{{nil, b[:cap(b)]}})
	if snapshot(&v) != before {
		t.Errorf("%s: AppendValue returned memory of the value instead of a copy", label)
	}
}

// checkReuse encodes all values into one wire, one after the other.
func (s Suite[V]) checkReuse(t testing.TB) {
	t.Helper()
	w := new(codec.Wire)
	for range 2 {
		for i := range s.Values {
			w.Reset(key)
			if err := s.Codec.Encode(w, &s.Values[i]); err != nil {
				t.Errorf("value %d: Encode into a used wire: %v", i, err)
				continue
			}
			if back, err := s.decode(w); err != nil || !s.Equal(s.Values[i], back) {
				t.Errorf("value %d does not come back from a used wire", i)
			}
		}
	}
}

func (s Suite[V]) checkRefused(t testing.TB) {
	t.Helper()
	const prefix = "a prefix"
	for i := range s.Refused {
		if _, err := s.encode(&s.Refused[i]); err == nil {
			t.Errorf("refused value %d: Encode gave no error", i)
		}
		c, ok := s.Codec.(codec.Value[V])
		if !ok {
			continue
		}
		b, err := c.AppendValue([]byte(prefix), s.Refused[i])
		if err == nil {
			t.Errorf("refused value %d: AppendValue gave no error", i)
		} else if string(b) != prefix {
			t.Errorf("refused value %d: AppendValue did not return dst as it was", i)
		}
	}
}

// checkConcurrency lets goroutines use the codec and share the values.
func (s Suite[V]) checkConcurrency(t testing.TB) {
	t.Helper()
	const goroutines, rounds = 8, 20
	failed := make([]string, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for r := range rounds {
				i := (g + r) % len(s.Values)
				w, err := s.encode(&s.Values[i])
				if err != nil {
					failed[g] = fmt.Sprintf("value %d: Encode: %v", i, err)
					return
				}
				if back, err := s.decode(w); err != nil || !s.Equal(s.Values[i], back) {
					failed[g] = fmt.Sprintf("value %d does not come back", i)
					return
				}
			}
		})
	}
	wg.Wait()
	if f := strings.Join(failed, ""); f != "" {
		t.Errorf("with %d goroutines at once: %s", goroutines, f)
	}
}

// encode calls Encode, and turns a panic into an error.
func (s Suite[V]) encode(v *V) (w *codec.Wire, err error) {
	defer contain(&err)
	w = new(codec.Wire)
	w.Reset(key)
	return w, s.Codec.Encode(w, v)
}

// decode calls Decode, and turns a panic into an error.
func (s Suite[V]) decode(w *codec.Wire) (v V, err error) {
	defer contain(&err)
	err = s.Codec.Decode(w, &v)
	return v, err
}

// A panicError distinguishes a contained panic from an error of the codec.
type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func contain(err *error) {
	if r := recover(); r != nil {
		*err = panicError{r}
	}
}
