package contender

import (
	"context"

	"github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/bench/subject"
)

type goRedisCache struct {
	rdb   redis.UniversalClient
	cache *cache.Cache
}

func openGoRedisCache(env Env) (Contender, error) {
	rdb := client(env)
	return &goRedisCache{rdb, cache.New(&cache.Options{Redis: rdb})}, nil
}

// openGoRedisCacheLocal is openGoRedisCache with the library's cache in the process.
func openGoRedisCacheLocal(env Env) (Contender, error) {
	rdb := client(env)
	local := cache.NewTinyLFU(nearEntries, TTL)
	return &goRedisCache{rdb, cache.New(&cache.Options{Redis: rdb, LocalCache: local})}, nil
}

func (c *goRedisCache) GetOrSet(ctx context.Context, key string, load Loader) (a subject.Account, err error) {
	err = c.cache.Once(&cache.Item{
		Ctx: ctx, Key: key, Value: &a, TTL: TTL,
		Do: func(*cache.Item) (any, error) {
			v, err := load(ctx, key)
			return &v, err
		},
	})
	return a, err
}

func (c *goRedisCache) Set(ctx context.Context, key string, a subject.Account) error {
	return c.cache.Set(&cache.Item{Ctx: ctx, Key: key, Value: &a, TTL: TTL})
}

func (c *goRedisCache) Delete(ctx context.Context, key string) error {
	return c.cache.Delete(ctx, key)
}

func (c *goRedisCache) Close() error { return c.rdb.Close() }
