package collection_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
)

// A field that expires before the rest, where the server can do that.
func ExampleHash_ExpireFields() {
	type session struct {
		User string `redis:"user"`
		Code string `redis:"code"`
	}
	mapping := hashmap.MustOf[session]()
	code := cache.Must(hashmap.FieldOf[string](mapping, "code"))

	rdb, stop := embedded() // it has no TTLs of fields in milliseconds
	defer stop()
	sessions := cache.Must(collection.NewHash(rdb, collection.HashConfig[string, session]{Name: "session", TTL: time.Hour, Mapping: mapping}))
	defer sessions.Close()

	ctx := context.Background()
	_ = sessions.Store(ctx, "abc", session{"ada", "123456"})
	_, err := sessions.ExpireFields(ctx, "abc", 5*time.Minute, code)
	var old *collection.UnsupportedError
	if errors.As(err, &old) {
		fmt.Println("needs", old.Needs)
	}
	// Output: needs Redis 7.4 or Valkey 9
}
