package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/asidecache/aside/codec"
)

func TestParseValue(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		shape        codec.Shape
		want         string // spans, "broken" or "none"
	}{
		{"bulk string", "$5\r\nhe\r\nl\r\n", codec.ShapeString, `["he\r\nl"]`},
		{"empty string", "$0\r\n\r\n", codec.ShapeString, `[""]`},
		{"RESP2 nil", "$-1\r\n", codec.ShapeString, "none"},
		{"RESP3 nil", "_\r\n", codec.ShapeString, "none"},
		{"nil array", "*-1\r\n", codec.ShapeHash, "none"},
		{"RESP2 hash", "*4\r\n$1\r\na\r\n$0\r\n\r\n$2\r\nb\x00\r\n$3\r\n$1\r\r\n", codec.ShapeHash, `["a" "" "b\x00" "$1\r"]`},
		{"RESP3 hash", "%2\r\n$1\r\na\r\n$0\r\n\r\n$2\r\nb\x00\r\n$3\r\n$1\r\r\n", codec.ShapeHash, `["a" "" "b\x00" "$1\r"]`},
		{"RESP2 no hash", "*0\r\n", codec.ShapeHash, "none"},
		{"RESP3 no hash", "%0\r\n", codec.ShapeHash, "none"},

		{"nothing", "", codec.ShapeString, "broken"},
		{"no line", "$5", codec.ShapeString, "broken"},
		{"empty line", "\r\n", codec.ShapeString, "broken"},
		{"no length", "$\r\n", codec.ShapeString, "broken"},
		{"wrong length", "$x\r\n", codec.ShapeString, "broken"},
		{"truncated", "$5\r\nhel", codec.ShapeString, "broken"},
		{"without its end", "$3\r\nhel", codec.ShapeString, "broken"},
		{"half an end", "$3\r\nhel\r", codec.ShapeString, "broken"},
		{"another end", "$3\r\nhello", codec.ShapeString, "broken"},
		{"length of 9 EB", "$9223372036854775807\r\nx\r\n", codec.ShapeString, "broken"},
		{"length beyond 64 bits", "$99999999999999999999\r\nx\r\n", codec.ShapeString, "broken"},
		{"trailing bytes", "$1\r\nx\r\n$1\r\ny\r\n", codec.ShapeString, "broken"},
		{"array for a string", "*0\r\n", codec.ShapeString, "broken"},
		{"string for a hash", "$1\r\nx\r\n", codec.ShapeHash, "broken"},
		{"status", "+OK\r\n", codec.ShapeString, "broken"},
		{"integer", ":1\r\n", codec.ShapeString, "broken"},
		{"odd hash", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", codec.ShapeHash, "broken"},
		{"hash with a nil", "%1\r\n$1\r\na\r\n$-1\r\n", codec.ShapeHash, "broken"},
		{"hash of integers", "%1\r\n:1\r\n:2\r\n", codec.ShapeHash, "broken"},
		{"nested hash", "%1\r\n$1\r\na\r\n%0\r\n", codec.ShapeHash, "broken"},
		{"hash without its end", "%2\r\n$1\r\na\r\n$1\r\nb\r\n", codec.ShapeHash, "broken"},
		{"hash of 9 EB", "%9223372036854775807\r\n", codec.ShapeHash, "broken"},
		{"hash with trailing bytes", "%1\r\n$1\r\na\r\n$1\r\nb\r\n_\r\n", codec.ShapeHash, "broken"},

		{"list", "*3\r\n$1\r\nb\r\n$0\r\n\r\n$1\r\nb\r\n", codec.ShapeList, `["b" "" "b"]`},
		{"no list", "*0\r\n", codec.ShapeList, "none"},
		{"RESP2 set", "*2\r\n$1\r\nb\r\n$1\r\na\r\n", codec.ShapeSet, `["b" "a"]`},
		{"RESP3 set", "~2\r\n$1\r\nb\r\n$1\r\na\r\n", codec.ShapeSet, `["b" "a"]`},
		{"RESP2 no set", "*0\r\n", codec.ShapeSet, "none"},
		{"RESP3 no set", "~0\r\n", codec.ShapeSet, "none"},
		{"RESP2 sorted set", "*4\r\n$1\r\na\r\n$4\r\n-inf\r\n$0\r\n\r\n$3\r\n1.5\r\n", codec.ShapeSortedSet, `["-inf" "a" "1.5" ""]`},
		{"RESP3 sorted set", "*2\r\n*2\r\n$1\r\na\r\n,-inf\r\n*2\r\n$0\r\n\r\n,1.5\r\n", codec.ShapeSortedSet, `["-inf" "a" "1.5" ""]`},
		{"sorted set with doubles in turn", "*2\r\n$1\r\na\r\n,1.5\r\n", codec.ShapeSortedSet, `["1.5" "a"]`},
		{"no sorted set", "*0\r\n", codec.ShapeSortedSet, "none"},

		{"list that is a set", "~1\r\n$1\r\na\r\n", codec.ShapeList, "broken"},
		{"list that is a map", "%0\r\n", codec.ShapeList, "broken"},
		{"list without its end", "*2\r\n$1\r\na\r\n", codec.ShapeList, "broken"},
		{"list of 9 EB", "*9223372036854775807\r\n", codec.ShapeList, "broken"},
		{"list with a nil", "*1\r\n$-1\r\n", codec.ShapeList, "broken"},
		{"list of integers", "*1\r\n:1\r\n", codec.ShapeList, "broken"},
		{"nested list", "*1\r\n*1\r\n$1\r\na\r\n", codec.ShapeList, "broken"},
		{"list with trailing bytes", "*1\r\n$1\r\na\r\n_\r\n", codec.ShapeList, "broken"},
		{"set of lists", "~1\r\n*0\r\n", codec.ShapeSet, "broken"},
		{"string for a set", "$1\r\nx\r\n", codec.ShapeSet, "broken"},
		{"odd sorted set", "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n", codec.ShapeSortedSet, "broken"},
		{"sorted set of single elements", "*1\r\n*1\r\n$1\r\na\r\n", codec.ShapeSortedSet, "broken"},
		{"sorted set of triples", "*1\r\n*3\r\n$1\r\na\r\n,1\r\n,1\r\n", codec.ShapeSortedSet, "broken"},
		{"sorted set of pairs, then not", "*2\r\n*2\r\n$1\r\na\r\n,1\r\n$1\r\nb\r\n,1\r\n", codec.ShapeSortedSet, "broken"},
		{"score without its end", "*1\r\n*2\r\n$1\r\na\r\n,1", codec.ShapeSortedSet, "broken"},
		{"score of nothing", "*1\r\n*2\r\n$1\r\na\r\n,\r\n", codec.ShapeSortedSet, "broken"},
		{"score that is an integer", "*1\r\n*2\r\n$1\r\na\r\n:1\r\n", codec.ShapeSortedSet, "broken"},
		{"sorted set of 9 EB", "*9223372036854775806\r\n*2\r\n", codec.ShapeSortedSet, "broken"},
		{"a shape that there is not", "*1\r\n$1\r\na\r\n", 99, "broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := parsed(t, tt.answer, tt.shape); got != tt.want {
				t.Errorf("%q: %s, want %s", tt.answer, got, tt.want)
			}
		})
	}
}

// parsed tells what a wire gets from an answer.
func parsed(t *testing.T, answer string, shape codec.Shape) string {
	t.Helper()
	var w codec.Wire
	r := Reply{buf: []byte(answer)}
	found, err := r.ParseValue(&w, shape)
	switch {
	case err != nil:
		if found || !errors.Is(err, ErrBroken) {
			t.Errorf("%v, %v", found, err)
		}
		return "broken"
	case !found:
		if w.Len() != 0 {
			t.Errorf("%d spans of nothing", w.Len())
		}
		return "none"
	}
	var spans []string
	for i := range w.Len() {
		if (w.Name(i) == nil) == named(shape) {
			t.Errorf("span %d is named %q", i, w.Name(i))
		}
		if w.Name(i) != nil {
			spans = append(spans, string(w.Name(i)))
		}
		spans = append(spans, string(w.Value(i)))
	}
	return fmt.Sprintf("%q", spans)
}

// A part must not grow into what follows it.
func TestPartsEndWhereTheyEnd(t *testing.T) {
	var w codec.Wire
	r := Reply{buf: []byte("%1\r\n$1\r\na\r\n$1\r\nb\r\n")}
	if _, err := r.ParseValue(&w, codec.ShapeHash); err != nil {
		t.Fatal(err)
	}
	_, _ = append(w.Name(0), "xxxx"...), append(w.Value(0), "xxxx"...)
	if got := string(r.buf); got != "%1\r\n$1\r\na\r\n$1\r\nb\r\n" {
		t.Errorf("the answer is now %q", got)
	}
}

// Any value comes back from an answer of either protocol.
func FuzzAnswerRoundTrip(f *testing.F) {
	f.Add([]byte("name"), []byte("Ann"), []byte("\r\n"), []byte(""))
	f.Add([]byte(""), []byte("$-1\r\n"), []byte("\x00\xff"), []byte("*2\r\n"))
	f.Fuzz(func(t *testing.T, a, b, c, d []byte) {
		want := fmt.Sprintf("%q", []string{string(b)})
		if got := parsed(t, "$"+bulk(b), codec.ShapeString); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		want = fmt.Sprintf("%q", []string{string(a), string(b), string(c), string(d)})
		spans := "$" + bulk(a) + "$" + bulk(b) + "$" + bulk(c) + "$" + bulk(d)
		for _, head := range []string{"*4\r\n", "%2\r\n"} {
			if got := parsed(t, head+spans, codec.ShapeHash); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if got := parsed(t, "*4\r\n"+spans, codec.ShapeList); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for _, head := range []string{"*4\r\n", "~4\r\n"} {
			if got := parsed(t, head+spans, codec.ShapeSet); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		want = fmt.Sprintf("%q", []string{string(b), string(a), "1e+20", string(c)})
		for _, answer := range []string{
			"*4\r\n$" + bulk(a) + "$" + bulk(b) + "$" + bulk(c) + "$5\r\n1e+20\r\n",
			"*2\r\n*2\r\n$" + bulk(a) + "$" + bulk(b) + "*2\r\n$" + bulk(c) + ",1e+20\r\n",
		} {
			if got := parsed(t, answer, codec.ShapeSortedSet); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}

func bulk(b []byte) string { return fmt.Sprintf("%d\r\n%s\r\n", len(b), b) }

// Hostile answers: no panic, no memory beyond them, and what is accepted is an
// answer that says just that.
func FuzzHostileAnswer(f *testing.F) {
	for _, answer := range []string{
		"$5\r\nhello\r\n", "$-1\r\n", "_\r\n", "%1\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
		"*0\r\n",
		"%4611686018427387904\r\n", "$2147483647\r\n", "-ERR\r\n", "*3\r\n$1\r\na\r\n",
		"~2\r\n$1\r\na\r\n$1\r\nb\r\n", "*1\r\n*2\r\n$1\r\na\r\n,-inf\r\n", "*2\r\n$1\r\na\r\n,1e+20\r\n",
		"*2305843009213693952\r\n*2\r\n",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, shape := range shapes {
			var w codec.Wire
			r := Reply{buf: bytes.Clone(answer)}
			found, err := r.ParseValue(&w, shape)
			if found && err != nil {
				t.Errorf("found, and %v", err)
			}
			if err != nil && !errors.Is(err, ErrBroken) {
				t.Errorf("%v is not a broken answer", err)
			}
			if max := len(answer)/len("$0\r\n\r\n") + 1; w.Len() > max {
				t.Errorf("%d spans of %d bytes", w.Len(), len(answer))
			}
			if !bytes.Equal(r.buf, answer) {
				t.Error("the answer was changed")
			}
		}
	})
}

func TestReplyGrowsByWhatArrives(t *testing.T) {
	text := strings.Repeat("0123456789", 10_000)
	for name, src := range map[string]io.Reader{
		"at once":               strings.NewReader(text),
		"byte by byte":          iotest.OneByteReader(strings.NewReader(text)),
		"with its end":          iotest.DataErrReader(strings.NewReader(text)),
		"less than was claimed": io.LimitReader(strings.NewReader(text), 1<<40),
	} {
		r := Reply{buf: []byte("$")}
		n, err := r.ReadFrom(src)
		if n != int64(len(text)) || err != nil || string(r.buf) != "$"+text {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		if cap(r.buf) > 4*len(text) {
			t.Errorf("%s: %d bytes of memory for %d", name, cap(r.buf), len(text))
		}
		r.Reset()
		again := func() { r.Reset(); _, _ = r.ReadFrom(strings.NewReader(text)) }
		if allocs := testing.AllocsPerRun(10, again); allocs > 1 {
			t.Errorf("%s: the next answer costs %v allocations", name, allocs) // one is the reader
		}
	}
	// With the end of a line, such a claim may overflow.
	for _, claim := range []int64{math.MaxInt64, math.MaxInt64 - 1, math.MinInt64} {
		r := Reply{buf: make([]byte, 1)}
		n, err := r.ReadFrom(&io.LimitedReader{R: strings.NewReader("abc"), N: claim})
		if n > 3 || err != nil || cap(r.buf) > 2*maxStep {
			t.Errorf("a claim of %d: %d bytes, %v, %d bytes of memory", claim, n, err, cap(r.buf))
		}
	}
	var r Reply
	broken := errors.New("broken")
	n, err := r.ReadFrom(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)))
	if n != 3 || err != broken || string(r.buf) != "abc" {
		t.Errorf("%d bytes, %v, %q", n, err, r.buf)
	}
}

// shapes are all shapes of values.
var shapes = []codec.Shape{
	codec.ShapeString, codec.ShapeHash, codec.ShapeList, codec.ShapeSet, codec.ShapeSortedSet,
}

// named reports whether the parts of a value have names, or scores.
func named(shape codec.Shape) bool {
	return shape == codec.ShapeHash || shape == codec.ShapeSortedSet
}
