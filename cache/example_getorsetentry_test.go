package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/loader"
)

// A loader that knows how long its value is good says so.
func ExampleCache_GetOrSetEntry() {
	rdb, stop := embedded()
	defer stop()
	tokens := cache.Must(cache.New(rdb, cache.Config[string, string]{Name: "token", TTL: time.Hour, Jitter: -1}))
	defer tokens.Close()

	ctx := context.Background()
	token, err := tokens.GetOrSetEntry(ctx, "api", func(context.Context, string) (loader.Entry[string], error) {
		return loader.Entry[string]{Value: "t0ken", TTL: 15 * time.Minute}, nil
	})
	fmt.Println(token, err, rdb.PTTL(ctx, tokens.RedisKey("api")).Val().Round(time.Minute))
	// Output:
	// t0ken <nil> 15m0s
}
