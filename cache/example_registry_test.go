package cache_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// A service has one Registry for its caches: it asks Check whether it is ready, and calls Shutdown
// before it closes the client.
func ExampleRegistry() {
	rdb, stop := embedded()
	defer stop()
	registry := &cache.Registry{Defaults: cache.Defaults{TTL: time.Hour, RedisTimeout: 200 * time.Millisecond}}
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", Registry: registry}))
	cache.Must(cache.New(rdb, cache.Config[int64, string]{Name: "mail", TTL: time.Minute, Registry: registry}))

	ctx := context.Background()
	fmt.Println("ready:", registry.Check(ctx) == nil)
	_, _ = users.GetOrSet(ctx, 42, db.User)
	for _, member := range registry.Caches() {
		fmt.Println(member.Name(), member.Stats().Loads)
	}
	fmt.Println("ended:", registry.Shutdown(ctx))
	_, err := users.GetOrSet(ctx, 42, db.User)
	fmt.Println(errors.Is(err, cache.ErrClosed))
	// Output:
	// ready: true
	// asking the database for 42
	// mail 0
	// user 1
	// ended: <nil>
	// true
}
