package codec

import "fmt"

// maxKept is how much arena a Wire keeps from one use to the next, in bytes: a
// single huge value must not stay in memory with the Wire that held it.
const maxKept = 64 << 10

// maxKeptSpans is how many spans a Wire keeps memory for, for the same reason.
const maxKeptSpans = 1024

// A Wire holds all that one Redis key holds, as spans of bytes: a string is
// one unnamed span, a list or set one unnamed span an element, a hash one named
// span a field. An element of a sorted set is a span whose name is its score in
// decimal, inf or -inf; they are in Redis's order, by score and then by bytes. A
// Wire knows the key, so that a codec can bind the bytes to it.
//
// A codec that encodes appends a span's bytes to Scratch and adds them with
// Keep, which costs no allocation once the Wire has grown to the size of its
// values:
//
//	b, err := value.AppendValue(w.Scratch(), v)
//	if err != nil {
//		return err
//	}
//	w.Keep(name, b)
//
// The zero Wire is ready for use. A Wire is not safe for concurrent use, and the
// spans are valid until the next Reset.
type Wire struct {
	key   string
	spans []span
	one   [1]span // backs the first span
	arena []byte  // at most maxKept; Scratch points behind it
	used  int     // bytes kept since the last Reset, in the arena or beside it
}

type span struct{ name, value []byte }

// Reset empties the wire and keeps its memory for the value of the named Redis
// key.
func (w *Wire) Reset(key string) {
	clear(w.spans) // spans may alias memory of others
	clear(w.one[:])
	w.key, w.spans = key, w.spans[:0]
	if cap(w.spans) > maxKeptSpans {
		w.spans = nil
	}
	if w.used > cap(w.arena) && cap(w.arena) < maxKept {
		w.arena = make([]byte, 0, min(max(w.used, 2*cap(w.arena)), maxKept))
	}
	w.arena, w.used = w.arena[:0], 0
}

// Key returns the Redis key whose value the wire holds.
func (w *Wire) Key() string { return w.key }

// Len returns the number of spans.
func (w *Wire) Len() int { return len(w.spans) }

// Name returns the name of span i, nil for an unnamed one.
func (w *Wire) Name(i int) []byte { return w.spans[i].name }

// Value returns the bytes of span i. They alias the memory of the wire.
func (w *Wire) Value(i int) []byte { return w.spans[i].value }

// Sole returns the bytes of a wire's only, unnamed span: a Redis string. Any
// other content is an error.
func (w *Wire) Sole() ([]byte, error) {
	if len(w.spans) != 1 || w.spans[0].name != nil {
		return nil, fmt.Errorf("codec: a string is one unnamed span, this wire has %d spans", len(w.spans))
	}
	return w.spans[0].value, nil
}

// Add adds a span without a copy: both slices must stay as they are until the next
// Reset.
func (w *Wire) Add(name, value []byte) {
	if w.spans == nil {
		w.spans = w.one[:0]
	}
	w.spans = append(w.spans, span{name, value[:len(value):len(value)]})
}

// Scratch returns an empty slice to append a span's bytes to, for Keep.
func (w *Wire) Scratch() []byte { return w.arena[len(w.arena):] }

// Grow grows Scratch to n bytes, or to 64 KB if n is more. It is for callers that know about
// how large a value is going to be.
func (w *Wire) Grow(n int) {
	if n = min(n, maxKept); cap(w.Scratch()) < n {
		w.arena = make([]byte, 0, n)
	}
}

// Keep adds the span whose bytes were appended to Scratch. name is not copied, as by
// Add. Bytes that did not fit there, or were never there, stay where they are
// and are not written to; the next Reset makes the arena large enough for them.
func (w *Wire) Keep(name, b []byte) {
	w.Add(name, b)
	w.keep(b)
}

// keepNamed is Keep for a span whose name is the first n bytes of b.
func (w *Wire) keepNamed(b []byte, n int) {
	w.Add(b[:n:n], b[n:])
	w.keep(b)
}

func (w *Wire) keep(b []byte) {
	w.used += len(b)
	switch spare := w.Scratch(); {
	case len(b) > 0 && cap(spare) > 0 && &b[0] == &spare[:1][0]:
		w.arena = w.arena[:len(w.arena)+len(b)]
	case len(w.spans) > 1 && len(b) > cap(spare) && len(b) < maxKept/4:
		// Otherwise each of many spans would cost an allocation.
		w.arena = make([]byte, 0, min(w.used, maxKept))
	}
}
