package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
)

// All reads a large list in pages.
func ExampleList_All() {
	rdb, stop := embedded()
	defer stop()
	events := cache.Must(collection.NewList(rdb, collection.Config[string, int]{Name: "events", TTL: time.Hour}))
	defer events.Close()

	ctx := context.Background()
	for i := range 1200 {
		_, _ = events.PushBack(ctx, "today", i)
	}
	sum := 0
	for e, err := range events.All(ctx, "today") {
		if err != nil {
			fmt.Println(err)
			return
		}
		sum += e
	}
	fmt.Println(sum)
	// Output: 719400
}
