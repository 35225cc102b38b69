package resp

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for answer, want := range map[string][]any{
		"*0\r\n":                              {},
		"*2\r\n:-5\r\n,1.5\r\n":               {int64(-5), 1.5},
		"*2\r\n,inf\r\n,-inf\r\n":             {math.Inf(1), math.Inf(-1)},
		"*2\r\n#t\r\n#f\r\n":                  {true, false},
		"*3\r\n_\r\n$-1\r\n*-1\r\n":           {nil, nil, nil},
		"*3\r\n+OK\r\n(123\r\n$2\r\n\r\n\r\n": {"OK", "123", "\r\n"},
		"*2\r\n-ERR no\r\n*1\r\n-MOVED 1 a\r\n": {
			AnswerError("ERR no"), []any{AnswerError("MOVED 1 a")},
		},
		"*2\r\n~1\r\n$1\r\na\r\n%1\r\n+b\r\n:1\r\n": {[]any{"a"}, []any{"b", int64(1)}},
	} {
		got, err := (&Reply{buf: []byte(answer)}).Decode()
		if err != nil || !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%q = %v, %v, want %v", answer, got, err, want)
		}
	}
}

// What is no answer is an error, and costs no more than its bytes.
func TestDecodeHostile(t *testing.T) {
	for _, answer := range []string{
		"", "*2\r\n", "*1\r\n", ":1\r\n:2\r\n", ":x\r\n", ",x\r\n", ":99999999999999999999\r\n",
		"*2147483647\r\n", "*1\r\n*2147483647\r\n", "%4611686018427387904\r\n", "$2147483647\r\n",
		"=5\r\ntxt:a\r\n", "!3\r\nERR\r\n", "\r\n", "*\r\n", "$x\r\n", ">1\r\n:1\r\n",
		strings.Repeat("*1\r\n", 100_000) + ":1\r\n",
	} {
		if got, err := (&Reply{buf: []byte(answer)}).Decode(); got != nil || !errors.Is(err, ErrBroken) {
			t.Errorf("%.40q = %v, %v", answer, got, err)
		}
	}
}

func TestElements(t *testing.T) {
	r := Reply{buf: []byte("*5\r\n:5\r\n$2\r\n\r\n\r\n*2\r\n_\r\n%1\r\n+a\r\n:1\r\n-ERR no\r\n~0\r\n")}
	parts, err := r.Elements(5)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		":5\r\n", "$2\r\n\r\n\r\n", "*2\r\n_\r\n%1\r\n+a\r\n:1\r\n", "-ERR no\r\n", "~0\r\n",
	}
	for i, part := range parts {
		if string(part.buf) != want[i] || cap(part.buf) != len(want[i]) {
			t.Errorf("element %d is %q with room for %d, want %q", i, part.buf, cap(part.buf), want[i])
		}
		if err := part.Err(); (err != nil) != (i == 3) || i == 3 && err != AnswerError("ERR no") {
			t.Errorf("element %d is the error %v", i, err)
		}
	}
}

func TestElementsHostile(t *testing.T) {
	for _, answer := range []string{
		"", "*2\r\n", "*1\r\n:1\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n", "*2\r\n:1\r\n:2\r\n:3\r\n", "*-1\r\n",
		"_\r\n", "~2\r\n:1\r\n:2\r\n", "*2\r\n:1\r\n*2147483647\r\n", "*2\r\n:1\r\n%4611686018427387904\r\n",
		"*2\r\n:1\r\n$2147483647\r\n", "*2\r\n:1\r\n=5\r\ntxt:a\r\n", "*2\r\n:1\r\n\r\n",
		"*2\r\n:1\r\n" + strings.Repeat("*1\r\n", 100_000) + ":1\r\n",
	} {
		if got, err := (&Reply{buf: []byte(answer)}).Elements(2); !errors.Is(err, ErrBroken) {
			t.Errorf("%.40q = %v, %v", answer, got, err)
		}
	}
}

func TestInt(t *testing.T) {
	for answer, want := range map[string]int64{
		":5\r\n": 5, ":-5\r\n": -5, "$1\r\n5\r\n": 0, "_\r\n": 0, "*1\r\n:5\r\n": 0, "": 0,
	} {
		n, err := (&Reply{buf: []byte(answer)}).Int()
		if n != want || (err != nil) != (want == 0) {
			t.Errorf("%q = %d, %v, want %d", answer, n, err, want)
		}
	}
}

func TestText(t *testing.T) {
	for answer, want := range map[string]string{
		"+OK\r\n": "OK", "$2\r\n\r\n\r\n": "\r\n", "$0\r\n\r\n": "", "$-1\r\n": "none", "_\r\n": "none",
		":1\r\n": "broken", "*1\r\n+a\r\n": "broken", "$5\r\nab\r\n": "broken", "+a\r\n+b\r\n": "broken", "": "broken",
	} {
		b, found, err := (&Reply{buf: []byte(answer)}).Text()
		got := string(b)
		switch {
		case err != nil:
			got = "broken"
		case !found:
			got = "none"
		}
		if got != want {
			t.Errorf("%q = %q, want %q", answer, got, want)
		}
	}
}

// What is decoded needs no more memory than a small multiple of the answer.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n"))
	f.Add([]byte("%1\r\n+a\r\n,1.5\r\n"))
	f.Add([]byte("*2\r\n-ERR\r\n~1\r\n_\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		r := Reply{buf: answer}
		v, err := r.Decode()
		if n := valuesIn(v); n > len(answer)/minElement+1 || err != nil && v != nil {
			t.Errorf("%q has %d values, %v", answer, n, err)
		}
		elements, ok := v.([]any)
		if parts, err := r.Elements(len(elements)); err == nil && ok && len(parts) != len(elements) {
			t.Errorf("%q has %d elements and %d", answer, len(elements), len(parts))
		}
		_, _ = r.Int()
		_, _, _ = r.Text()
	})
}

func valuesIn(v any) (n int) {
	elements, _ := v.([]any)
	for _, e := range elements {
		n += valuesIn(e)
	}
	return n + 1
}
