package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
)

// Single fields of a struct that is kept as a hash.
func ExampleHash() {
	type user struct {
		Name   string `redis:"name"`
		Logins int64  `redis:"logins"`
		Bio    string `redis:"bio"`
	}
	mapping := hashmap.MustOf[user]()
	name := cache.Must(hashmap.FieldOf[string](mapping, "name"))
	logins := cache.Must(hashmap.FieldOf[int64](mapping, "logins"))

	rdb, stop := embedded()
	defer stop()
	users := cache.Must(collection.NewHash(rdb, collection.HashConfig[int64, user]{Name: "user", TTL: time.Hour, Mapping: mapping}))
	defer users.Close()

	ctx := context.Background()
	_ = users.Store(ctx, 42, user{"Ada", 7, "a long text that is not read here"})
	err := users.Set(ctx, 42, name.To("Ada Lovelace"))
	fmt.Println(err)
	var who string
	var count int64
	err = users.Incr(ctx, 42, logins.Into(&count), 1)
	fmt.Println(count, err)
	found, err := users.Get(ctx, 42, name.Into(&who), logins.Into(&count))
	fmt.Println(found, who, count, err)
	// Output:
	// <nil>
	// 8 <nil>
	// 2 Ada Lovelace 8 <nil>
}
