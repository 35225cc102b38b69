package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// Refresh loads in any case. Until it has, all others get the old value.
func ExampleCache_Refresh() {
	rdb, stop := embedded()
	defer stop()
	rates := cache.Must(cache.New(rdb, cache.Config[string, float64]{Name: "rate", TTL: time.Hour}))
	defer rates.Close()

	ctx := context.Background()
	_ = rates.Set(ctx, "EUR", 1.08)
	fmt.Println(rates.Refresh(ctx, "EUR", func(context.Context, string) (float64, error) { return 1.09, nil }))
	fmt.Println(rates.Get(ctx, "EUR"))
	// Output:
	// 1.09 <nil>
	// 1.09 true <nil>
}
