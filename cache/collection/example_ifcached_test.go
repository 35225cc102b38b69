package collection_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
)

// A cache loads whole values, and a collection of the same keys changes single fields of
// those that are cached.
func ExampleIfCached() {
	type user struct {
		Name  string `redis:"name"`
		Email string `redis:"email"`
	}
	mapping := hashmap.MustOf[user]()
	email := cache.Must(hashmap.FieldOf[string](mapping, "email"))

	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int, user]{Name: "user", TTL: time.Hour, Codec: mapping}))
	defer users.Close()
	fields := cache.Must(collection.NewHash(rdb, collection.HashConfig[int, user]{Name: "user", TTL: time.Hour, Mapping: mapping}))
	defer fields.Close()
	load := func(_ context.Context, id int) (user, error) { return user{"Ada", "old@example.com"}, nil }

	ctx := context.Background()
	cached := fields.With(collection.IfCached())
	_ = cached.Set(ctx, 42, email.To("new@example.com")) // does nothing: a user with an address alone would be no user
	fmt.Println(users.GetOrSet(ctx, 42, load))
	_ = cached.Set(ctx, 42, email.To("new@example.com"))
	fmt.Println(users.GetOrSet(ctx, 42, load))
	// Output:
	// {Ada old@example.com} <nil>
	// {Ada new@example.com} <nil>
}
