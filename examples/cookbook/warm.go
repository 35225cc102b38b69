package cookbook

import (
	"context"
	"slices"

	"github.com/asidecache/aside/cache"
)

// Warm loads what is not cached of the ids, a hundred by one query.
func Warm(ctx context.Context, users *cache.Cache[int64, User], db Store, ids []int64) error {
	for some := range slices.Chunk(ids, 100) {
		if _, err := users.GetOrSetMany(ctx, some, db.Users); err != nil {
			return err
		}
	}
	return nil
}
