package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Entry tells a key that is missing from one that is known not to exist, and how
// long that is still so.
func ExampleCache_Entry() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour, Jitter: -1}))
	defer users.Close()

	ctx := context.Background()
	_, _ = users.GetOrSet(ctx, 42, db.User)
	_ = users.SetAbsent(ctx, 7)
	for _, id := range []int64{42, 7, 8} {
		e, err := users.Entry(ctx, id)
		fmt.Printf("%q %v %v %v\n", e.Value.Name, e.State, e.TTL.Round(time.Minute), err)
	}
	// Output:
	// asking the database for 42
	// "Ada" Present 1h0m0s <nil>
	// "" Absent 1m0s <nil>
	// "" Missing 0s <nil>
}
