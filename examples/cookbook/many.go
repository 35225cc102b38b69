package cookbook

import (
	"context"
	"errors"

	"github.com/asidecache/aside/cache"
)

// Names returns the names of the users that exist, in the order of ids.
func Names(ctx context.Context, users *cache.Cache[int64, User], db Store, ids []int64) (names []string, err error) {
	found, err := users.GetOrSetMany(ctx, ids, db.Users) // one query for all that are missing
	if some := (*cache.BatchError[int64])(nil); err != nil && !errors.As(err, &some) {
		return nil, err // nothing was looked up
	}
	for _, u := range cache.All(ids, found) { // those that do not exist are not in found
		names = append(names, u.Name)
	}
	return names, err // names the ids that failed; names holds the others
}
