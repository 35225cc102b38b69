package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
)

// A list of structs, each an element of its own.
func ExampleList() {
	type job struct {
		ID   int
		What string
	}
	rdb, stop := embedded()
	defer stop()
	jobs := cache.Must(collection.NewList(rdb, collection.Config[string, job]{Name: "jobs", TTL: time.Hour}))
	defer jobs.Close()

	ctx := context.Background()
	n, err := jobs.PushBack(ctx, "mail", job{1, "welcome"}, job{3, "invoice"})
	fmt.Println(n, err)
	n, err = jobs.InsertBefore(ctx, "mail", job{3, "invoice"}, job{2, "confirm"})
	fmt.Println(n, err)
	last, ok, err := jobs.At(ctx, "mail", -1)
	fmt.Println(last, ok, err)
	fmt.Println(jobs.PopFront(ctx, "mail", 2))
	fmt.Println(jobs.Len(ctx, "no such queue"))
	// Output:
	// 2 <nil>
	// 3 <nil>
	// {3 invoice} true <nil>
	// [{1 welcome} {2 confirm}] <nil>
	// 0 <nil>
}
