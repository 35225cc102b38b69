package contender

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/bench/subject"
)

// silent keeps go-redis from writing about servers that are down on purpose.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

var silenceGoRedis = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

// client returns a go-redis client with default settings.
func client(env Env) redis.UniversalClient {
	silenceGoRedis()
	if env.Cluster {
		return redis.NewClusterClient(&redis.ClusterOptions{Addrs: env.Addrs})
	}
	return redis.NewClient(&redis.Options{Addr: env.Addrs[0]})
}

// A goRedis is what programs write that use no cache library.
type goRedis struct {
	rdb   redis.Cmdable
	close func() error
}

func openGoRedis(env Env) (Contender, error) {
	rdb := client(env)
	return &goRedis{rdb, rdb.Close}, nil
}

func openAutoPipeline(env Env) (Contender, error) {
	rdb := client(env)
	auto, err := rdb.AutoPipeline()
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return &goRedis{auto, func() error { return errors.Join(auto.Close(), rdb.Close()) }}, nil
}

func openClientSide(env Env) (Contender, error) {
	rdb := redis.NewClient(&redis.Options{
		Addr: env.Addrs[0], Protocol: 3,
		ClientSideCacheConfig: &redis.ClientSideCacheConfig{},
	})
	return &goRedis{rdb, rdb.Close}, nil
}

func (c *goRedis) GetOrSet(ctx context.Context, key string, load Loader) (a subject.Account, err error) {
	b, err := c.rdb.Get(ctx, key).Bytes()
	if err == nil {
		err = msgpack.Unmarshal(b, &a)
		return a, err
	}
	if !errors.Is(err, redis.Nil) {
		return a, err
	}
	if a, err = load(ctx, key); err != nil {
		return a, err
	}
	return a, c.Set(ctx, key, a)
}

func (c *goRedis) Set(ctx context.Context, key string, a subject.Account) error {
	b, err := msgpack.Marshal(&a)
	if err != nil {
		return err
	}
	return c.rdb.Set(ctx, key, b, TTL).Err()
}

func (c *goRedis) Delete(ctx context.Context, key string) error {
	return c.rdb.Del(ctx, key).Err()
}

func (c *goRedis) Close() error { return c.close() }

// A goRedisHash keeps the fields of a struct in a hash, by the means of go-redis.
type goRedisHash struct{ *goRedis }

func openGoRedisHash(env Env) (Contender, error) {
	rdb := client(env)
	return goRedisHash{&goRedis{rdb, rdb.Close}}, nil
}

func (c goRedisHash) GetOrSet(ctx context.Context, key string, load Loader) (a subject.Account, err error) {
	fields := c.rdb.HGetAll(ctx, key)
	if len(fields.Val()) > 0 || fields.Err() != nil {
		err = fields.Scan(&a)
		return a, err
	}
	if a, err = load(ctx, key); err != nil {
		return a, err
	}
	return a, c.Set(ctx, key, a)
}

func (c goRedisHash) Set(ctx context.Context, key string, a subject.Account) error {
	_, err := c.rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, key, &a)
		pipe.Expire(ctx, key, TTL)
		return nil
	})
	return err
}
