package cache_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asidecache/aside/cache"
)

// A value that was read from Redis answers later calls from memory. On a Redis that tells of
// writes, leave Coherence and TTL out.
func ExampleNearConfig() {
	rdb, stop := embedded()
	defer stop()
	roles := cache.Must(cache.New(rdb, cache.Config[int64, []string]{
		Name: "roles", TTL: time.Hour,
		Near:  cache.NearConfig{MaxEntries: 10_000, Coherence: cache.TTLOnly, TTL: 10 * time.Second},
		Clone: slices.Clone[[]string],
	}))
	defer roles.Close()

	ctx := context.Background()
	load := func(context.Context, int64) ([]string, error) { return []string{"admin"}, nil }
	for range 3 {
		e, _ := roles.Entry(ctx, 42)
		v, err := roles.GetOrSet(ctx, 42, load)
		fmt.Println(e.State, e.Source, v, err)
	}
	e, _ := roles.Entry(ctx, 42, cache.SkipNear())
	fmt.Println(e.State, e.Source)
	fmt.Println(roles.Stats().NearHits, "hits without Redis")
	// Output:
	// Missing Redis [admin] <nil>
	// Present Redis [admin] <nil>
	// Present Near [admin] <nil>
	// Present Redis
	// 3 hits without Redis
}
