package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
)

// Several collections in one round trip.
func ExamplePipeline() {
	rdb, stop := embedded()
	defer stop()
	recent := cache.Must(collection.NewList(rdb, collection.Config[int, string]{Name: "recent", TTL: time.Hour}))
	defer recent.Close()
	pages := cache.Must(collection.NewSortedSet(rdb, collection.Config[string, string]{Name: "pages", TTL: time.Hour}))
	defer pages.Close()

	var p collection.Pipeline
	length := recent.In(&p).PushFront(42, "/prices")
	visits := pages.In(&p).Incr("today", "/prices", 1)
	rank := pages.In(&p).RankBack("today", "/prices")
	if err := p.Exec(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(length.Result())
	fmt.Println(visits.Result())
	fmt.Println(rank.Result())
	// Output:
	// 1 <nil>
	// 1 <nil>
	// {0 true} <nil>
}
