package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/hashmap"
)

// A struct can be a Redis hash, which every program can read and change.
func ExampleConfig_codec() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour, Codec: hashmap.MustOf[User]()}))
	defer users.Close()

	ctx := context.Background()
	_, _ = users.GetOrSet(ctx, 42, db.User)
	fmt.Println(users.RedisKey(42), rdb.HGetAll(ctx, "user:42").Val())
	rdb.HSet(ctx, "user:42", "name", "changed by another program")
	u, err := users.GetOrSet(ctx, 42, db.User)
	fmt.Println(u.Name, err)
	// Output:
	// asking the database for 42
	// user:42 map[id:42 name:Ada]
	// changed by another program <nil>
}
