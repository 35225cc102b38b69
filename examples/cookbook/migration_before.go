package cookbook

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	oldcache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"
)

func userKey(id int64) string { return "user:" + strconv.FormatInt(id, 10) }

// UserBefore is a read by go-redis/cache.
func UserBefore(ctx context.Context, old *oldcache.Cache, db Store, id int64) (u User, err error) {
	err = old.Once(&oldcache.Item{
		Ctx: ctx, Key: userKey(id), Value: &u, TTL: 10 * time.Minute,
		Do: func(*oldcache.Item) (any, error) { return db.User(ctx, id) },
	})
	return u, err
}

// ForgetBefore is an invalidation by go-redis/cache.
func ForgetBefore(ctx context.Context, old *oldcache.Cache, id int64) error {
	return old.Delete(ctx, userKey(id))
}

// UserByGet is a read by plain commands.
func UserByGet(ctx context.Context, rdb redis.UniversalClient, db Store, id int64) (u User, err error) {
	b, err := rdb.Get(ctx, userKey(id)).Bytes()
	if err == nil && json.Unmarshal(b, &u) == nil {
		return u, nil
	}
	if u, err = db.User(ctx, id); err != nil {
		return u, err
	}
	if b, err = json.Marshal(u); err == nil {
		err = rdb.Set(ctx, userKey(id), b, 10*time.Minute).Err()
	}
	return u, err
}
