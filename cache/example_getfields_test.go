package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/hashmap"
)

// Of a struct that is a Redis hash, chosen fields can be read. A miss loads and stores
// the whole struct.
func ExampleCache_GetFields() {
	rdb, stop := embedded()
	defer stop()
	mapping := hashmap.MustOf[User]()
	name := cache.Must(hashmap.FieldOf[string](mapping, "name"))
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour, Codec: mapping}))
	defer users.Close()

	ctx := context.Background()
	var n string
	ok, err := users.GetFields(ctx, 42, nil, name.Into(&n))
	fmt.Printf("%q %v %v\n", n, ok, err)
	for range 2 {
		ok, err = users.GetFields(ctx, 42, db.User, name.Into(&n))
		fmt.Printf("%q %v %v\n", n, ok, err)
	}
	_, err = users.GetFields(ctx, 7, db.User, name.Into(&n))
	fmt.Println(err)
	// Output:
	// "" false <nil>
	// asking the database for 42
	// "Ada" true <nil>
	// "Ada" true <nil>
	// asking the database for 7
	// loader: not found
}
