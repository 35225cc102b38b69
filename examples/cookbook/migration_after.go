package cookbook

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// NewUsersFromGoRedisCache shares its entries with programs that use go-redis/cache.
func NewUsersFromGoRedisCache(rdb redis.UniversalClient) (*cache.Cache[int64, User], error) {
	return cache.New(rdb, cache.Config[int64, User]{
		Name: "user", TTL: 10 * time.Minute, Codec: GoRedisCache[User](),
	})
}

// NewUsersFromGetAndSet shares its entries with programs that use GET and SET.
func NewUsersFromGetAndSet(rdb redis.UniversalClient) (*cache.Cache[int64, User], error) {
	return cache.New(rdb, cache.Config[int64, User]{
		Name: "user", TTL: 10 * time.Minute, Codec: codec.JSON[User](),
	})
}

// UserAfter is a read by aside, with the entries of either.
func UserAfter(ctx context.Context, users *cache.Cache[int64, User], db Store, id int64) (User, error) {
	return users.GetOrSet(ctx, id, db.User)
}

// ForgetAlso is an invalidation by an old program that the new ones see: it deletes the key and its
// control key.
func ForgetAlso(ctx context.Context, rdb redis.UniversalClient, id int64) error {
	return rdb.Del(ctx, userKey(id), "aside:{"+userKey(id)+"}").Err()
}
