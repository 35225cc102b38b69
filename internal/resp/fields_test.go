package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
)

var twoNames = [][]byte{[]byte("a"), []byte("b")}

func TestParseFields(t *testing.T) {
	for answer, want := range map[string]string{
		"*2\r\n$1\r\nx\r\n$0\r\n\r\n":               `["a" "x" "b" ""]`,
		"*2\r\n$-1\r\n$3\r\n$1\r\r\n":               `["b" "$1\r"]`,
		"*2\r\n_\r\n$1\r\nx\r\n":                    `["b" "x"]`,
		"*2\r\n$-1\r\n$-1\r\n":                      "none",
		"*2\r\n_\r\n_\r\n":                          "none",
		"":                                          "broken",
		"*2\r\n$1\r\nx\r\n":                         "broken",
		"*1\r\n$1\r\nx\r\n":                         "broken",
		"*3\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n":   "broken",
		"*-1\r\n":                                   "broken",
		"_\r\n":                                     "broken",
		"%1\r\n$1\r\nx\r\n$1\r\nx\r\n":              "broken",
		"*2\r\n:1\r\n$1\r\nx\r\n":                   "broken",
		"*2\r\n*-1\r\n$1\r\nx\r\n":                  "broken",
		"*2\r\n$1\r\nx\r\n$9999999999\r\nx\r\n":     "broken",
		"*2\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nsecret1": "broken",
	} {
		if got := parsedFields(t, answer); got != want {
			t.Errorf("%q: %s, want %s", answer, got, want)
		}
	}
}

// parsedFields tells what a wire gets of an answer to HMGET of two fields.
func parsedFields(t *testing.T, answer string) string {
	t.Helper()
	var w codec.Wire
	found, err := (&Reply{buf: []byte(answer)}).ParseFields(&w, twoNames)
	switch {
	case err != nil:
		if found || !errors.Is(err, ErrBroken) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, %v", found, err)
		}
		return "broken"
	case !found:
		return "none"
	}
	var spans []string
	for i := range w.Len() {
		spans = append(spans, string(w.Name(i)), string(w.Value(i)))
	}
	return fmt.Sprintf("%q", spans)
}

func FuzzHostileFields(f *testing.F) {
	for _, answer := range []string{
		"*2\r\n$1\r\nx\r\n_\r\n", "*2\r\n$-1\r\n$0\r\n\r\n", "*2\r\n$2147483647\r\n", "*9223372036854775807\r\n",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var w codec.Wire
		r := Reply{buf: bytes.Clone(answer)}
		found, err := r.ParseFields(&w, twoNames)
		if found && err != nil || err != nil && !errors.Is(err, ErrBroken) ||
			w.Len() > len(twoNames) || !bytes.Equal(r.buf, answer) {
			t.Errorf("%v, %v, %d spans, %q", found, err, w.Len(), r.buf)
		}
	})
}
