package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache/collection"
)

// embedded returns a client of a Redis inside this process.
func embedded() (rdb *redis.Client, stop func()) {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	rdb = redis.NewClient(&redis.Options{Addr: server.Addr()})
	return rdb, func() {
		_ = rdb.Close()
		server.Close()
	}
}

func Example() {
	rdb, stop := embedded() // in a program: redis.NewClient
	defer stop()
	recent, err := collection.NewList(rdb, collection.Config[int64, string]{Name: "recent", TTL: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer recent.Close()

	ctx := context.Background()
	for _, page := range []string{"/", "/prices", "/faq", "/login"} {
		_, _ = recent.PushFront(ctx, 42, page)
	}
	_ = recent.Trim(ctx, 42, 0, 2) // the last three
	fmt.Println(recent.Range(ctx, 42, 0, -1))
	fmt.Println(rdb.LRange(ctx, "recent:42", 0, -1))
	// Output:
	// [/login /faq /prices] <nil>
	// lrange recent:42 0 -1: [/login /faq /prices]
}
