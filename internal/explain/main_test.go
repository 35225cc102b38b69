package explain_test

import (
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/redistest"
)

// compressed is a value that is looked into here, before any bubble of synctest may have made
// what all bubbles use for that.
var compressed = encode(codec.Compress(codec.Text[string](), codec.Zstd, 0), strings.Repeat("Ada ", 100))

func TestMain(m *testing.M) {
	_ = explain.Encoding([]byte(compressed), true)
	redistest.Main(m)
}
