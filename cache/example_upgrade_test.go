package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// A Member is what has become of a User: its program has another Version.
type Member struct{ ID, FullName string }

// A program with another struct makes its values of those of the version before, and asks the
// database for what is new alone.
func ExampleUpgradeFrom() {
	rdb, stop := embedded()
	defer stop()
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{Name: "user", Version: 1, TTL: time.Hour}))
	defer users.Close()
	members := cache.Must(cache.New(rdb, cache.Config[int64, Member]{
		Name: "user", Version: 2, TTL: time.Hour,
		Upgrade: cache.UpgradeFrom(codec.Msgpack[User](), func(u User) (Member, error) {
			return Member{ID: fmt.Sprint(u.ID), FullName: u.Name}, nil
		}),
	}))
	defer members.Close()

	ctx := context.Background()
	load := func(_ context.Context, id int64) (Member, error) {
		fmt.Println("asking the new table for", id)
		return Member{fmt.Sprint(id), "Grace Hopper"}, nil
	}
	_, _ = users.GetOrSet(ctx, 42, db.User) // by the running program
	for _, id := range []int64{42, 43, 42} {
		m, err := members.GetOrSet(ctx, id, load)
		fmt.Println(m.FullName, err)
	}
	fmt.Println(members.Stats().Upgraded)
	// Output:
	// asking the database for 42
	// Ada <nil>
	// asking the new table for 43
	// Grace Hopper <nil>
	// Ada <nil>
	// 1
}
