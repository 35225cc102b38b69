package explain_test

import (
	"io"
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/redistest"
)

// Answers that are none are errors, or are left out, and cost no memory.
func TestHostileAnswers(t *testing.T) {
	for _, answer := range []string{
		"*2147483647\r\n", "$536870912\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "_\r\n", "+\r\n",
		"-ERR no\r\n", "%1\r\n+a\r\n+b\r\n", "+string\r\n", "+hash\r\n", "+zset\r\n",
	} {
		fake := &redistest.Fake{Answer: func([]string) io.Reader { return strings.NewReader(answer) }}
		for _, show := range []bool{false, true} {
			r, err := explain.Key(t.Context(), fake.Client(t, 3, false), "user:42", explain.Options{ShowValue: show})
			if err == nil && len(r.Sentences) == 0 {
				t.Errorf("%q: neither an error nor a sentence", answer)
			}
		}
	}
}
