package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// The lifetime of a value may be known by the value itself.
func ExampleConfig_tTLFor() {
	rdb, stop := embedded()
	defer stop()
	type token struct {
		Text string
		Life time.Duration
	}
	tokens := cache.Must(cache.New(rdb, cache.Config[string, token]{
		Name: "token", TTL: time.Hour, Jitter: -1,
		TTLFor: func(_ string, t *token) time.Duration { return t.Life },
	}))
	defer tokens.Close()

	ctx := context.Background()
	_ = tokens.Set(ctx, "a", token{Text: "t", Life: 5 * time.Minute})
	fmt.Println(rdb.PTTL(ctx, "token:a").Val().Round(time.Minute))
	// Output:
	// 5m0s
}
