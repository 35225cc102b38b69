package cache_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
)

// When Redis cannot be asked, a cache loads; with Fail it protects its source.
func ExampleFailurePolicy() {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // nobody is there
	defer rdb.Close()
	cfg := cache.Config[int64, User]{Name: "user", TTL: time.Hour, RedisTimeout: 20 * time.Millisecond}
	ctx := context.Background()
	for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
		cfg.OnRedisError = policy
		users := cache.Must(cache.New(rdb, cfg))
		u, err := users.GetOrSet(ctx, 42, db.User)
		fmt.Printf("%q %v\n", u.Name, errors.Is(err, cache.ErrRedis))
		_ = users.Close()
	}
	// Output:
	// asking the database for 42
	// "Ada" false
	// "" true
}
