package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Get never loads.
func ExampleCache_Get() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour}))
	defer users.Close()

	ctx := context.Background()
	u, ok, err := users.Get(ctx, 42)
	fmt.Printf("%q %v %v\n", u.Name, ok, err)
	_, _ = users.GetOrSet(ctx, 42, db.User)
	u, ok, err = users.Get(ctx, 42)
	fmt.Printf("%q %v %v\n", u.Name, ok, err)
	// Output:
	// "" false <nil>
	// asking the database for 42
	// "Ada" true <nil>
}
