package cookbook

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/loader"
)

// A Page is one page of a list.
type Page struct {
	List   string
	Number int
}

// NewPages caches the ids of each page, apart from the rows, so that a change of a row changes no
// page. The pages themselves are not invalidated one by one, so they are kept for seconds.
func NewPages(rdb redis.UniversalClient) (*cache.Cache[Page, []int64], error) {
	return cache.New(rdb, cache.Config[Page, []int64]{
		Name: "page", TTL: 10 * time.Second, StaleFor: time.Minute,
		Codec: codec.List(codec.Text[int64]()),
	})
}

// ReadPage returns the rows of a page.
func ReadPage(
	ctx context.Context, pages *cache.Cache[Page, []int64], users *cache.Cache[int64, User], db Store,
	page Page, query loader.Func[Page, []int64],
) (rows []User, err error) {
	ids, err := pages.GetOrSet(ctx, page, query) // SELECT id ... LIMIT 20 OFFSET ...
	if err != nil {
		return nil, err
	}
	found, err := users.GetOrSetMany(ctx, ids, db.Users)
	for _, u := range cache.All(ids, found) {
		rows = append(rows, u)
	}
	return rows, err
}
