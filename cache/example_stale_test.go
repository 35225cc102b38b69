package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// A value that is beyond its TTL is the answer at once, while it is loaded anew in the background.
func ExampleNoStale() {
	rdb, stop := embedded()
	defer stop()
	stored := make(chan string, 10)
	rates := cache.Must(cache.New(rdb, cache.Config[string, float64]{
		Name: "rate", TTL: time.Minute, StaleFor: time.Hour,
		Observer: cache.Observer{Write: func(_ context.Context, e cache.WriteEvent) { stored <- e.Key }},
	}))
	defer rates.Close()

	ctx := context.Background()
	load := func(rate float64) func(context.Context, string) (float64, error) {
		return func(context.Context, string) (float64, error) { return rate, nil }
	}
	fmt.Println(rates.GetOrSet(ctx, "EUR", load(1.08)))
	fmt.Println("stored", <-stored)

	rdb.Expire(ctx, "rate:EUR", 50*time.Minute) // as if the minute was over
	fmt.Println(rates.GetOrSet(ctx, "EUR", load(1.09)))
	fmt.Println("stored", <-stored)
	fmt.Println(rates.GetOrSet(ctx, "EUR", load(1.10)))

	rdb.Expire(ctx, "rate:EUR", 50*time.Minute)
	fmt.Println(rates.GetOrSet(ctx, "EUR", load(1.11), cache.NoStale()))
	// Output:
	// 1.08 <nil>
	// stored rate:EUR
	// 1.08 <nil>
	// stored rate:EUR
	// 1.09 <nil>
	// 1.11 <nil>
}
