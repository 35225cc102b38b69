package cachetest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// A codec that compresses works in one bubble after the other.
func TestZstdInBubbles(t *testing.T) {
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			c := cachetest.New(t, cache.Config[string, string]{
				Name: "z", TTL: time.Minute, Codec: codec.Compress(codec.Text[string](), codec.Zstd, 0),
			})
			long := strings.Repeat("long ", 1000)
			if err := c.Set(t.Context(), "k", long); err != nil {
				t.Fatal(err)
			}
			if v, ok, err := c.Get(t.Context(), "k"); v != long || !ok || err != nil {
				t.Errorf("Get: %d bytes, %v, %v", len(v), ok, err)
			}
		})
	}
}
