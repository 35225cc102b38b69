package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Set replaces a value at once, here for longer than usual.
func ExampleCache_Set() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Minute}))
	defer users.Close()

	ctx := context.Background()
	err := users.Set(ctx, 42, User{42, "Countess of Lovelace"}, cache.TTL(time.Hour))
	fmt.Println(err)
	u, err := users.GetOrSet(ctx, 42, db.User)
	fmt.Println(u.Name, err)
	// Output:
	// <nil>
	// Countess of Lovelace <nil>
}
