package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// After a row was removed, nobody needs to ask for it.
func ExampleCache_SetAbsent() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour}))
	defer users.Close()

	ctx := context.Background()
	fmt.Println(users.SetAbsent(ctx, 42))
	_, err := users.GetOrSet(ctx, 42, db.User)
	fmt.Println(err)
	// Output:
	// <nil>
	// loader: not found
}
