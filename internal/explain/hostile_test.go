package explain_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
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

// A value of many layers, or of a few bytes that stand for very many, is looked at as others are:
// otherwise this would take hours, and gigabytes.
func TestHostileValues(t *testing.T) {
	maps := append([]byte{0xdd, 3, 0, 0, 0}, bytes.Repeat([]byte{0x80}, 3<<24)...) // 50 million
	bomb := encode(codec.Compress(codec.Bytes[[]byte](), codec.Zstd, 0), maps)
	for name, tt := range map[string]struct {
		value []byte
		looks string
	}{
		"many layers": {append(make([]byte, 60_000), "{}"...), "bytes"},
		"a bomb":      {[]byte(bomb), "something compressed by Zstandard"},
	} {
		if looks := explain.Encoding(tt.value, true); !strings.Contains("something "+looks, tt.looks) {
			t.Errorf("%s: it looks like %s, want %s", name, looks, tt.looks)
		}
		if text, _ := explain.Readable(tt.value, true); !strings.HasPrefix(text, "0x") {
			t.Errorf("%s: it is shown as %.40q", name, text)
		}
	}
}
