package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// After a change of the source, Delete makes the next call load anew.
func ExampleCache_Delete() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour}))
	defer users.Close()

	ctx := context.Background()
	people := database{42: {42, "Ada"}}
	_, _ = users.GetOrSet(ctx, 42, people.User)
	people[42] = User{42, "Augusta Ada"}
	fmt.Println(users.Delete(ctx, 42, 43, 44))
	u, err := users.GetOrSet(ctx, 42, people.User)
	fmt.Println(u.Name, err)
	// Output:
	// asking the database for 42
	// <nil>
	// asking the database for 42
	// Augusta Ada <nil>
}
