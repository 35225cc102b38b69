package codectest

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// secret is in bytes that codecs refuse: their errors must not show it.
const secret = "58204917"

// payloads are bytes that claim more than they hold, in the ways of the formats
// that codecs are made of, and a secret in each.
var payloads = []string{
	"", "\x00", "\xff", "null", "{}", "[]", "\x80", "\x90", "\xc0",
	"\xdd\xff\xff\xff\xff", "\xdc\xff\xff", "\xdf\xff\xff\xff\xff", "\xde\xff\xff", // msgpack arrays and maps
	"\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01", // msgpack bytes, text, extension
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff\xff\xff\xff\x0f", // uvarints
	"\x7f\xff\xff\xff", "\xff\xff\xff\x7f", "\x7f\xff\xff\xff\xff\xff\xff\xff",
	"\x01\x28\xb5\x2f\xfd\xa0\xff\xff\xff\x03", "\x02\x80\x80\x80\x20\x00a", // zstd and s2 of 64 MiB
	"kiwi" + secret, `"kiwi` + secret + `"`, `{"kiwi` + secret + `":1}`, `["kiwi` + secret + `"]`, "\xackiwi" + secret,
	strings.Repeat(secret, 8), "-" + secret + ".5", `{"a":` + strings.Repeat(secret, 8) + `}`,
}

// names are no names of fields, and no scores.
var names = []string{"nan", "-nan", "infinity", "0x1p-2", "1e999", "-1e999", "1_0", " 1", "1 ", "kiwi" + secret, "-" + secret + "." + secret + "x", strings.Repeat("9", 400)}

// nestings are what ends a decoder that recurses without a limit.
var nestings = []string{"[", "{\"a\":", "\x91", "\x81\xa1a"}

// checkHostile calls Decode with what no Encode wrote: changed, cut and made-up
// spans. It reports each kind of fault once.
func (s Suite[V]) checkHostile(t testing.TB, spans []span) {
	t.Helper()
	found := map[string]bool{}
	for label, bad := range hostile(spans) {
		if fault := s.attack(bad); fault != "" && !found[fault] {
			found[fault] = true
			t.Errorf("hostile spans (%s): %s", label, fault)
		}
	}
}

// attack decodes spans of any origin and returns what is wrong with the codec's
// result, or nothing.
func (s Suite[V]) attack(spans []span) (fault string) {
	copied := cloneSpans(spans)
	var v V
	var err error
	cost := allocated(func() { v, err = s.decode(wireOf(copied)) })
	_, panicked := err.(panicError)
	switch {
	case panicked:
		return "Decode panicked"
	case !equalSpans(spans, copied):
		return "Decode wrote to the bytes it borrowed"
	case shows(err, spans):
		return "the error of Decode shows the value"
	case cost > 1<<20+uint64(s.MaxRatio)*uint64(size(spans)):
		return "Decode allocated memory that the bytes only claim to need"
	case err != nil:
		return ""
	}
	return s.settles(&v)
}

// settles checks that a value that Decode made of hostile bytes is read back as it
// is after Encode. The first time it may lose what its codec leaves out.
func (s Suite[V]) settles(v *V) (fault string) {
	for round := range 2 {
		w, err := s.encode(v)
		if _, ok := err.(panicError); ok {
			return "Encode panicked on what Decode accepted"
		}
		if err != nil {
			return "" // refused with an error
		}
		back, err := s.decode(w)
		if err != nil {
			return "Decode refused what Encode made of what it had accepted"
		}
		if round == 1 && s.Equal(*v, *v) && !s.Equal(*v, back) {
			return "Encode and Decode change what Decode accepted"
		}
		*v = back
	}
	return ""
}

// checkNesting calls Decode with a million openings that nothing closes, in place of
// the first span.
func (s Suite[V]) checkNesting(t testing.TB, spans []span) {
	t.Helper()
	for _, opening := range nestings {
		deep := bytes.Repeat([]byte(opening), 1_000_000)
		if fault := s.attack(replaced(spans, 0, span{spans[0].name, deep})); fault != "" {
			t.Errorf("1,000,000 times %q: %s", opening, fault)
		}
	}
}

// hostile yields what can be made of the spans, with a label for each.
func hostile(spans []span) iter.Seq2[string, []span] {
	return func(yield func(string, []span) bool) {
		_ = hostileWires(spans, yield) && hostileSpans(spans, yield)
	}
}

// hostileWires yields wires with other spans.
func hostileWires(spans []span, yield func(string, []span) bool) bool {
	named := span{[]byte("codectest"), []byte("x")}
	ok := yield("no span", nil) &&
		yield("one more span", append(slices.Clone(spans), span{nil, []byte("x")})) &&
		yield("one more named span", append(slices.Clone(spans), named)) &&
		yield("twice all spans", slices.Concat(spans, spans)) &&
		yield("1000 empty spans", make([]span, 1000)) &&
		yield("reversed spans", reversed(spans))
	for i := range spans {
		if !ok || i >= 8 {
			break
		}
		sp := spans[i]
		ok = yield(fmt.Sprintf("span %d dropped", i), slices.Delete(slices.Clone(spans), i, i+1)) &&
			yield(fmt.Sprintf("span %d without a name", i), replaced(spans, i, span{nil, sp.value})) &&
			yield(fmt.Sprintf("span %d with an empty name", i), replaced(spans, i, span{[]byte{}, sp.value})) &&
			yield(fmt.Sprintf("span %d renamed", i), replaced(spans, i, span{named.name, sp.value})) &&
			yield(fmt.Sprintf("span %d turned around", i), replaced(spans, i, span{sp.value, sp.name}))
		for _, name := range names {
			ok = ok && yield(fmt.Sprintf("span %d named %.24q", i, name), replaced(spans, i, span{[]byte(name), sp.value}))
		}
	}
	return ok
}

// hostileSpans yields wires with one span's bytes replaced.
func hostileSpans(spans []span, yield func(string, []span) bool) bool {
	for i := range min(len(spans), 8) {
		sp := spans[i]
		for label, value := range hostileBytes(sp.value) {
			if !yield(fmt.Sprintf("span %d %s", i, label), replaced(spans, i, span{sp.name, value})) {
				return false
			}
		}
	}
	return true
}

func hostileBytes(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		_ = damaged(b, yield) && madeUp(b, yield)
	}
}

// damaged yields b cut off, with a bit flipped, and with more behind it.
func damaged(b []byte, yield func(string, []byte) bool) bool {
	step := max(1, len(b)/64)
	for at := 0; at < len(b); at += step {
		flipped, high := bytes.Clone(b), bytes.Clone(b)
		flipped[at] ^= 1 << (at % 8)
		high[at] = 0xff
		if !yield(fmt.Sprintf("cut at byte %d", at), b[:at:at]) ||
			!yield(fmt.Sprintf("with a bit of byte %d flipped", at), flipped) ||
			!yield(fmt.Sprintf("with byte %d set to 0xff", at), high) {
			return false
		}
	}
	return yield("with a zero behind it", append(bytes.Clone(b), 0)) && yield("twice", append(bytes.Clone(b), b...))
}

// madeUp yields payloads, alone and in place of the end of b, and random bytes.
func madeUp(b []byte, yield func(string, []byte) bool) bool {
	for _, p := range payloads {
		for _, keep := range []int{0, 1, len(b) / 2, len(b)} {
			value := append(bytes.Clone(b[:min(keep, len(b))]), p...)
			if !yield(fmt.Sprintf("with %.24q after %d bytes", p, keep), value) {
				return false
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same bytes in every run
	for i := range 64 {
		value := make([]byte, random.IntN(256))
		for j := range value {
			value[j] = byte(random.Uint32())
		}
		if !yield(fmt.Sprintf("of random bytes, number %d", i), value) {
			return false
		}
	}
	return true
}

func replaced(spans []span, i int, with span) []span {
	spans = slices.Clone(spans)
	spans[i] = with
	return spans
}

func reversed(spans []span) []span {
	spans = slices.Clone(spans)
	slices.Reverse(spans)
	return spans
}
