package collection_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
)

// Sets of numbers, and what they have in common.
func ExampleSet() {
	rdb, stop := embedded()
	defer stop()
	friends := cache.Must(collection.NewSet(rdb, collection.Config[string, int]{Name: "friends", TTL: time.Hour}))
	defer friends.Close()

	ctx := context.Background()
	// On a cluster, the hash tag puts the sets into one slot.
	_, _ = friends.Add(ctx, "{club}ann", 1, 2, 3)
	_, _ = friends.Add(ctx, "{club}bob", 2, 3, 4)
	fmt.Println(friends.HasMany(ctx, "{club}ann", 1, 4))
	both, err := friends.Intersect(ctx, "{club}ann", "{club}bob")
	slices.Sort(both)
	fmt.Println(both, err)
	fmt.Println(friends.Diff(ctx, "{club}ann", "{club}bob"))
	// Output:
	// [true false] <nil>
	// [2 3] <nil>
	// [1] <nil>
}
