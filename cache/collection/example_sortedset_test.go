package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
)

// A score list that keeps each player's best.
func ExampleSortedSet() {
	type scored = codec.Scored[string]
	rdb, stop := embedded()
	defer stop()
	best := cache.Must(collection.NewSortedSet(rdb, collection.Config[string, string]{Name: "best", TTL: time.Hour}))
	defer best.Close()

	ctx := context.Background()
	_, _ = best.Put(ctx, "chess", scored{Elem: "ann", Score: 1810}, scored{Elem: "bob", Score: 1750}, scored{Elem: "cid", Score: 1790})
	changed, err := best.PutIf(ctx, "chess", collection.Greater, scored{Elem: "ann", Score: 1700}, scored{Elem: "bob", Score: 1800})
	fmt.Println(changed, err)
	fmt.Println(best.RangeBack(ctx, "chess", 0, 1))
	fmt.Println(best.RangeByScore(ctx, "chess", collection.Scores{Min: 1790, Max: 1810, BelowMax: true}))
	rank, ok, err := best.RankBack(ctx, "chess", "cid")
	fmt.Println(rank, ok, err)
	// Output:
	// 1 <nil>
	// [{ann 1810} {bob 1800}] <nil>
	// [{cid 1790} {bob 1800}] <nil>
	// 2 true <nil>
}
