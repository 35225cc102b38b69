package cache_test

import (
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

func TestMain(m *testing.M) {
	// zstd makes its channels when it is first used: in a bubble, they would be that
	// bubble's alone.
	zstd := codec.Compress(codec.Text[string](), codec.Zstd, 0)
	var s string
	b, err := zstd.AppendValue(nil, string(make([]byte, 1000)))
	if err == nil {
		err = zstd.ParseValue(b, &s)
	}
	if err != nil {
		panic(err)
	}
	redistest.Main(m)
}
