package codectest

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/asidecache/aside/codec"
)

// key is the Redis key of every wire.
const key = "codectest:{key}"

// A span is a copy of one span of a wire.
type span struct{ name, value []byte }

// copySpans copies what a wire holds.
func copySpans(w *codec.Wire) []span {
	spans := make([]span, w.Len())
	for i := range spans {
		spans[i] = span{bytes.Clone(w.Name(i)), bytes.Clone(w.Value(i))}
	}
	return spans
}

func cloneSpans(spans []span) []span {
	spans = slices.Clone(spans)
	for i, s := range spans {
		spans[i] = span{bytes.Clone(s.name), bytes.Clone(s.value)}
	}
	return spans
}

func equalSpans(a, b []span) bool {
	return slices.EqualFunc(a, b, func(a, b span) bool {
		return bytes.Equal(a.name, b.name) && bytes.Equal(a.value, b.value)
	})
}

// wireOf returns a wire of the spans, whose memory it aliases.
func wireOf(spans []span) *codec.Wire {
	w := new(codec.Wire)
	w.Reset(key)
	for _, s := range spans {
		w.Add(s.name, s.value)
	}
	return w
}

func size(spans []span) (n int) {
	for _, s := range spans {
		n += len(s.name) + len(s.value)
	}
	return n
}

// scribble overwrites all bytes of the spans.
func scribble(spans []span) {
	for _, s := range spans {
		for _, b := range [][]byte{s.name, s.value} {
			for i := range b {
				b[i] ^= 0xa5
			}
		}
	}
}

// join and split turn the spans of a wire into the one byte string that a fuzz
// target has, and back. A string is its bytes; of other shapes each span is its
// name and its value, each behind its length in two bytes, where a name's length
// counts from 1 and 0 means no name.
func join(shape codec.Shape, spans []span) (b []byte) {
	if shape == codec.ShapeString && len(spans) == 1 {
		return spans[0].value
	}
	for _, s := range spans {
		named := 0
		if s.name != nil {
			named = len(s.name) + 1
		}
		b = binary.BigEndian.AppendUint16(b, uint16(named))
		b = append(b, s.name...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(s.value)))
		b = append(b, s.value...)
	}
	return b
}

func split(shape codec.Shape, b []byte) (spans []span) {
	if shape == codec.ShapeString {
		return []span{{nil, b}}
	}
	for len(b) >= 2 {
		var s span
		if named := int(binary.BigEndian.Uint16(b)); named > 0 {
			s.name, b = cut(b[2:], named-1)
		} else {
			b = b[2:]
		}
		if len(b) >= 2 {
			s.value, b = cut(b[2:], int(binary.BigEndian.Uint16(b)))
		}
		spans = append(spans, s)
	}
	return spans
}

// cut splits off n bytes, or as many as there are.
func cut(b []byte, n int) (head, tail []byte) {
	n = min(n, len(b))
	return b[:n:n], b[n:]
}
