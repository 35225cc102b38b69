package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Touch keeps a session alive while it is used.
func ExampleCache_Touch() {
	rdb, stop := embedded()
	defer stop()
	sessions := cache.Must(cache.New(rdb, cache.Config[string, string]{Name: "session", TTL: 30 * time.Minute, Jitter: -1}))
	defer sessions.Close()

	ctx := context.Background()
	_ = sessions.Set(ctx, "s1", "Ada", cache.TTL(time.Minute))
	fmt.Println(sessions.Touch(ctx, "s1"))
	fmt.Println(rdb.PTTL(ctx, sessions.RedisKey("s1")).Val().Round(time.Minute))
	fmt.Println(sessions.Touch(ctx, "s2"))
	// Output:
	// true <nil>
	// 30m0s
	// false <nil>
}
