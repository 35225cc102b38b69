package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// The first one wins.
func ExampleCache_SetIfAbsent() {
	rdb, stop := embedded()
	defer stop()
	leaders := cache.Must(cache.New(rdb, cache.Config[string, string]{Name: "leader", TTL: time.Minute}))
	defer leaders.Close()

	ctx := context.Background()
	fmt.Println(leaders.SetIfAbsent(ctx, "shard 1", "host a"))
	fmt.Println(leaders.SetIfAbsent(ctx, "shard 1", "host b"))
	fmt.Println(leaders.Get(ctx, "shard 1"))
	// Output:
	// true <nil>
	// false <nil>
	// host a true <nil>
}
