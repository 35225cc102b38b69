package cache_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Close ends what the cache has started. The client is left open.
func ExampleCache_Close() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour}))

	fmt.Println(users.Close())
	_, err := users.GetOrSet(context.Background(), 42, db.User)
	fmt.Println(errors.Is(err, cache.ErrClosed), err)
	// Output:
	// <nil>
	// true aside: GetOrSet user: the cache is closed
}
