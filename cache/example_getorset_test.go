package cache_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// "Does not exist" is remembered like a value.
func ExampleCache_GetOrSet() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour, AbsentTTL: time.Minute}))
	defer users.Close()

	ctx := context.Background()
	for range 2 {
		_, err := users.GetOrSet(ctx, 7, db.User)
		fmt.Println("not found:", errors.Is(err, cache.ErrNotFound))
	}
	// Output:
	// asking the database for 7
	// not found: true
	// not found: true
}
