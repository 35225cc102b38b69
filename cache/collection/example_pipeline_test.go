package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
)

// Several collections and a cache in one round trip.
func ExamplePipeline() {
	rdb, stop := embedded()
	defer stop()
	names := cache.Must(cache.New(rdb, cache.Config[int, string]{Name: "name", TTL: time.Hour}))
	defer names.Close()
	recent := cache.Must(collection.NewList(rdb, collection.Config[int, string]{Name: "recent", TTL: time.Hour}))
	defer recent.Close()
	pages := cache.Must(collection.NewSortedSet(rdb, collection.Config[string, string]{Name: "pages", TTL: time.Hour}))
	defer pages.Close()

	var p collection.Pipeline
	names.In(&p).Set(42, "Ada")
	name := names.In(&p).Get(42)
	length := recent.In(&p).PushFront(42, "/prices")
	visits := pages.In(&p).Incr("today", "/prices", 1)
	rank := pages.In(&p).RankBack("today", "/prices")
	if err := p.Exec(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(name.Result())
	fmt.Println(length.Result())
	fmt.Println(visits.Result())
	fmt.Println(rank.Result())
	// Output:
	// {Ada true} <nil>
	// 1 <nil>
	// 1 <nil>
	// {0 true} <nil>
}

// All of it or, for readers meanwhile, nothing yet: the keys lie in one slot.
func ExamplePipeline_ExecAtomic() {
	rdb, stop := embedded()
	defer stop()
	names := cache.Must(cache.New(rdb, cache.Config[string, string]{Name: "name", TTL: time.Hour}))
	defer names.Close()
	tags := cache.Must(collection.NewSet(rdb, collection.Config[string, string]{Name: "tags", TTL: time.Hour}))
	defer tags.Close()

	var p collection.Pipeline
	names.In(&p).Delete("{acme}")
	added := tags.In(&p).Add("{acme}", "renamed")
	if err := p.ExecAtomic(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(added.Result())
	// Output:
	// 1 <nil>
}
