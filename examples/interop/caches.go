package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/loader"
)

// A user is a Redis hash with these fields.
type user struct {
	ID      int64   `redis:"id"`
	Name    string  `redis:"name"`
	Balance float64 `redis:"balance"`
	Active  bool    `redis:"active"`
}

type (
	set    = map[string]struct{}
	scores = []codec.Scored[string]
)

// caches has one cache for each type of Redis, and one for numbers.
type caches struct {
	titles *cache.Cache[int, string]
	visits *cache.Cache[int, int64]
	users  *cache.Cache[int, user]
	recent *cache.Cache[int, []int]
	tags   *cache.Cache[int, set]
	scores *cache.Cache[int, scores]
}

func newCaches(rdb redis.UniversalClient) (c caches, err error) {
	return c, errors.Join(
		open(rdb, &c.titles, "title", codec.Text[string]()),
		open(rdb, &c.visits, "visits", codec.Text[int64]()),
		open(rdb, &c.users, "user", hashmap.MustOf[user]()),
		open(rdb, &c.recent, "recent", codec.List(codec.Text[int]())),
		open(rdb, &c.tags, "tags", codec.Set(codec.Text[string]())),
		open(rdb, &c.scores, "scores", codec.SortedSet(codec.Text[string]())),
	)
}

func open[V any](rdb redis.UniversalClient, c **cache.Cache[int, V], name string, codec codec.Codec[V]) (err error) {
	*c, err = cache.New(rdb, cache.Config[int, V]{Name: name, TTL: time.Hour, Codec: codec})
	return err
}

func (c caches) close() {
	for _, c := range []io.Closer{c.titles, c.visits, c.users, c.recent, c.tags, c.scores} {
		_ = c.Close()
	}
}

// A source stands for the database: it knows what belongs to 1, and says when it is
// asked for a user.
type source struct{ out io.Writer }

func known[V any](v V) loader.Func[int, V] {
	return func(_ context.Context, id int) (none V, err error) {
		if id != 1 {
			return none, loader.ErrNotFound
		}
		return v, nil
	}
}

func (s source) user(ctx context.Context, id int) (user, error) {
	fmt.Fprintf(s.out, "  the source is asked for user %d\n", id)
	return known(user{ID: 1, Name: "Ada", Balance: 1.5, Active: true})(ctx, id)
}

// print prints all that is known of an id.
func (c caches) print(ctx context.Context, out io.Writer, id int, src source) error {
	src.out = out
	title, err1 := c.titles.GetOrSet(ctx, id, known("Grüße, 世界"))
	visits, err2 := c.visits.GetOrSet(ctx, id, known(int64(42)))
	u, err3 := c.users.GetOrSet(ctx, id, src.user)
	recent, err4 := c.recent.GetOrSet(ctx, id, known([]int{3, 1, 3}))
	tags, err5 := c.tags.GetOrSet(ctx, id, known(set{"rot": {}, "blå": {}}))
	scores, err6 := c.scores.GetOrSet(ctx, id, known(scores{{Elem: "ada", Score: 12.5}, {Elem: "bob", Score: -1}}))
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	fmt.Fprintf(out, "title   %s\nvisits  %d\nuser    %+v\nrecent  %v\ntags    %q\nscores  %v\n",
		title, visits, u, recent, slices.Sorted(maps.Keys(tags)), scores)
	return nil
}

// printUsers asks for a user that there is and for one that there is not.
func (c caches) printUsers(ctx context.Context, out io.Writer, src source) error {
	for _, id := range []int{1, 404} {
		u, err := c.users.GetOrSet(ctx, id, src.user)
		switch {
		case errors.Is(err, cache.ErrNotFound):
			fmt.Fprintf(out, "  user %d does not exist\n", id)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "  user %d is %s\n", id, u.Name)
		}
	}
	return nil
}
