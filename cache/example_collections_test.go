package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// A slice can be a Redis sorted set, which every program can ask for its best, and
// keeps all that the cache promises.
func ExampleConfig_sortedSet() {
	rdb, stop := embedded()
	defer stop()
	type board = []codec.Scored[string]
	boards := cache.Must(cache.New(rdb, cache.Config[string, board]{
		Name: "board", TTL: time.Hour, Codec: codec.SortedSet(codec.Text[string]()),
	}))
	defer boards.Close()

	load := func(_ context.Context, game string) (board, error) {
		fmt.Println("asking the database for", game)
		if game == "go" {
			return board{}, nil // nobody has played: cached as well
		}
		return board{{Elem: "Ann", Score: 12.5}, {Elem: "Bob", Score: 80}}, nil
	}
	ctx := context.Background()
	_, _ = boards.GetOrSet(ctx, "chess", load)
	fmt.Println(rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "board:chess", Start: 0, Stop: 0, Rev: true}).Val())
	for range 2 {
		b, err := boards.GetOrSet(ctx, "go", load)
		fmt.Println(b, err)
	}
	// Output:
	// asking the database for chess
	// [Bob]
	// asking the database for go
	// [] <nil>
	// [] <nil>
}
