// Package hitbench measures what the hits of a cache cost, for the benchmarks of adapters.
package hitbench

import (
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// Run measures hits of a cache that is made in a registry, on a Redis in memory, whose
// own cost is most of it, or in a near cache.
func Run(b *testing.B, caches *cache.Registry, near cache.NearConfig) {
	b.Helper()
	users, err := cache.New(cachetest.NewServer(b).Client(), cache.Config[string, string]{
		Name: "user", TTL: time.Hour, Registry: caches, Near: near,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer users.Close()
	if err := users.Set(b.Context(), "a", "v"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := users.Get(b.Context(), "a"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
