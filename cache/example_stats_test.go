package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

func ExampleCache_Stats() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour}))
	defer users.Close()

	ctx := context.Background()
	for range 10 {
		_, _ = users.GetOrSet(ctx, 42, db.User)
	}
	s := users.Stats()
	fmt.Println(s.Hits, s.Misses, s.Loads, s.Stores)
	// Output:
	// asking the database for 42
	// 9 1 1 1
}
