package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Many keys at once: the loader is called once, for those that are missing.
func ExampleCache_GetOrSetMany() {
	rdb, stop := embedded()
	defer stop()
	names := cache.Must(cache.New(rdb, cache.Config[int64, string]{Name: "name", TTL: time.Hour}))
	defer names.Close()

	load := func(_ context.Context, ids []int64) (map[int64]string, error) {
		fmt.Println("SELECT id, name FROM users WHERE id = ANY", ids)
		return map[int64]string{1: "Ada", 2: "Grace"}, nil // there is no user 7
	}
	ctx := context.Background()
	ids := []int64{2, 7, 1}
	for range 2 {
		found, err := names.GetOrSetMany(ctx, ids, load)
		for id, name := range cache.All(ids, found) {
			fmt.Println(id, name)
		}
		fmt.Println(len(found), err)
	}
	// Output:
	// SELECT id, name FROM users WHERE id = ANY [2 7 1]
	// 2 Grace
	// 1 Ada
	// 2 <nil>
	// 2 Grace
	// 1 Ada
	// 2 <nil>
}
