package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// An Observer feeds metrics and logs. It is never told a value.
func ExampleObserver() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{
		Name: "user", TTL: time.Hour, Jitter: -1,
		Observer: cache.Observer{
			Lookup: func(_ context.Context, e cache.LookupEvent) { fmt.Println("lookup", e.Key, e.State) },
			Load:   func(_ context.Context, e cache.LoadEvent) { fmt.Println("load", e.Keys, e.Outcome, e.Callers) },
			Write:  func(_ context.Context, e cache.WriteEvent) { fmt.Println("write", e.Key, e.TTL) },
			Error:  func(_ context.Context, err *cache.Error) { fmt.Println(err) },
		},
	}))
	defer users.Close()

	ctx := context.Background()
	_, _ = users.GetOrSet(ctx, 42, db.User)
	_, _, _ = users.Get(ctx, 42)
	rdb.Set(ctx, "user:42", "no msgpack", 0)
	_, _, _ = users.Get(ctx, 42)
	// Output:
	// lookup user:42 Missing
	// asking the database for 42
	// load [user:42] LoadOK 1
	// write user:42 1h0m0s
	// lookup user:42 Present
	// aside: Get user "user:42": the entry cannot be decoded: codec: the stored bytes are no MessagePack of type cache_test.User: there are more bytes after the value
	// lookup user:42 Missing
}
