package cache_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
)

// A User is what the examples cache.
type User struct {
	ID   int64  `redis:"id" msgpack:"id"`
	Name string `redis:"name" msgpack:"name"`
}

// database is the source of users. It says when it is asked.
type database map[int64]User

func (db database) User(_ context.Context, id int64) (User, error) {
	fmt.Println("asking the database for", id)
	u, ok := db[id]
	if !ok {
		return User{}, cache.ErrNotFound
	}
	return u, nil
}

var db = database{42: {42, "Ada"}, 43: {43, "Grace"}}

// embedded returns a client of a Redis inside this process.
func embedded() (rdb *redis.Client, stop func()) {
	server := miniredis.NewMiniRedis()
	rdb = redis.NewClient(&redis.Options{
		Addr:   "127.0.0.1:6379",
		Dialer: func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
	})
	return rdb, func() {
		_ = rdb.Close()
		server.Close()
	}
}

func Example() {
	rdb, stop := embedded() // in a program: redis.NewClient
	defer stop()
	users, err := cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: 10 * time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()

	ctx := context.Background()
	for range 3 {
		u, err := users.GetOrSet(ctx, 42, db.User)
		fmt.Println(u.Name, err)
	}
	// Output:
	// asking the database for 42
	// Ada <nil>
	// Ada <nil>
	// Ada <nil>
}
