package resp

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestArray(t *testing.T) {
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
		got, err := (&Reply{[]byte(answer)}).Array(len(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q = %v, %v, want %v", answer, got, err, want)
		}
	}
}

// What is no array of so many elements is an error, and costs no more than its bytes.
func TestArrayHostile(t *testing.T) {
	for _, answer := range []string{
		"", "*2\r\n", "*1\r\n:1\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n",
		"*2\r\n:1\r\n:2\r\n:3\r\n", "*-1\r\n", "_\r\n",
		"~2\r\n:1\r\n:2\r\n", "*2\r\n:x\r\n:1\r\n", "*2\r\n,x\r\n:1\r\n",
		"*2\r\n:99999999999999999999\r\n:1\r\n",
		"*2\r\n:1\r\n*2147483647\r\n", "*2\r\n:1\r\n%4611686018427387904\r\n",
		"*2\r\n:1\r\n$2147483647\r\n",
		"*2\r\n:1\r\n=5\r\ntxt:a\r\n", "*2\r\n:1\r\n!3\r\nERR\r\n", "*2\r\n:1\r\n\r\n",
		"*2\r\n:1\r\n" + strings.Repeat("*1\r\n", 100_000) + ":1\r\n",
	} {
		if got, err := (&Reply{[]byte(answer)}).Array(2); !errors.Is(err, ErrBroken) {
			t.Errorf("%.40q = %v, %v", answer, got, err)
		}
	}
}
