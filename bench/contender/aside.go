package contender

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/loader"
)

type aside struct {
	rdb   redis.UniversalClient
	cache *cache.Cache[string, subject.Account]
}

func openAsideMsgpack(env Env) (Contender, error) {
	return newAside(env, cache.Config[string, subject.Account]{Name: "msgpack"})
}

func openAsideUnleased(env Env) (Contender, error) {
	return newAside(env, cache.Config[string, subject.Account]{Name: "unleased", Lease: cache.Off})
}

func openAsideUnpipelined(env Env) (Contender, error) {
	return newAside(env, cache.Config[string, subject.Account]{Name: "unpipelined", Pipelining: cache.Unpipelined})
}

func openAsideHash(env Env) (Contender, error) {
	m, err := hashmap.Of[subject.Account]()
	if err != nil {
		return nil, err
	}
	return newAside(env, cache.Config[string, subject.Account]{Name: "hash", Codec: m})
}

func newAside(env Env, cfg cache.Config[string, subject.Account]) (*aside, error) {
	rdb := client(env)
	cfg.TTL = TTL
	accounts, err := cache.New(rdb, cfg)
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return &aside{rdb, accounts}, nil
}

func (c *aside) GetOrSet(ctx context.Context, key string, load Loader) (subject.Account, error) {
	return c.cache.GetOrSet(ctx, key, loader.Func[string, subject.Account](load))
}

func (c *aside) Set(ctx context.Context, key string, a subject.Account) error {
	return c.cache.Set(ctx, key, a)
}

func (c *aside) Delete(ctx context.Context, key string) error { return c.cache.Delete(ctx, key) }

func (c *aside) Close() error { return errors.Join(c.cache.Close(), c.rdb.Close()) }

// An asideGet fills by hand, as programs do that look before they load.
type asideGet struct{ *aside }

func openAsideGet(env Env) (Contender, error) {
	c, err := newAside(env, cache.Config[string, subject.Account]{Name: "get"})
	return asideGet{c}, err
}

func (c asideGet) GetOrSet(ctx context.Context, key string, load Loader) (subject.Account, error) {
	a, ok, err := c.cache.Get(ctx, key)
	if ok || err != nil {
		return a, err
	}
	if a, err = load(ctx, key); err != nil {
		return a, err
	}
	return a, c.cache.Set(ctx, key, a)
}
