package cookbook

import (
	"context"
	"slices"

	"github.com/asidecache/aside/cache"
)

// Warm loads the users that are not cached, a hundred per query.
func Warm(ctx context.Context, users *cache.Cache[int64, User], db Store, ids []int64) error {
	for some := range slices.Chunk(ids, 100) {
		if _, err := users.GetOrSetMany(ctx, some, db.Users); err != nil {
			return err
		}
	}
	return nil
}
