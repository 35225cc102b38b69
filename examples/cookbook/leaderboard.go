package cookbook

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/loader"
)

// A Leaderboard is a table of scores, cached as a sorted set.
type Leaderboard struct {
	whole   *cache.Cache[string, []codec.Scored[string]]
	players *collection.SortedSet[string, string]
	query   loader.Func[string, []codec.Scored[string]] // SELECT player, score ... WHERE game = $1
}

// NewLeaderboard makes a leaderboard of the scores that a query returns for a game.
func NewLeaderboard(rdb redis.UniversalClient, query loader.Func[string, []codec.Scored[string]]) (*Leaderboard, error) {
	player := codec.Text[string]()
	whole, err := cache.New(rdb, cache.Config[string, []codec.Scored[string]]{
		Name: "board", TTL: time.Hour, Codec: codec.SortedSet(player),
	})
	if err != nil {
		return nil, err
	}
	players, err := collection.NewSortedSet(rdb, collection.Config[string, string]{Name: "board", TTL: time.Hour})
	if err != nil {
		return nil, err
	}
	// IfCached writes nothing where no board is cached: one score would be served as the board.
	return &Leaderboard{whole, players.With(collection.IfCached()), query}, nil
}

// Top returns the n best players of a game.
func (b *Leaderboard) Top(ctx context.Context, game string, n int) ([]codec.Scored[string], error) {
	top, err := b.players.RangeBack(ctx, game, 0, n-1)
	if err != nil || len(top) > 0 {
		return top, err
	}
	if _, err := b.whole.GetOrSet(ctx, game, b.query); err != nil { // by one process of the fleet
		return nil, err
	}
	return b.players.RangeBack(ctx, game, 0, n-1)
}

// Scored puts a score on the board, after the database has committed it.
func (b *Leaderboard) Scored(ctx context.Context, game, player string, score float64) error {
	_, err := b.players.Put(ctx, game, codec.Scored[string]{Elem: player, Score: score})
	return err
}
