package contender

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

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

func openAsideNear(env Env) (Contender, error) {
	return newAside(env, cache.Config[string, subject.Account]{Name: "near", Near: cache.NearConfig{MaxEntries: nearEntries}})
}

func openAsideNearUnleased(env Env) (Contender, error) {
	return newAside(env, cache.Config[string, subject.Account]{
		Name: "nearunleased", Lease: cache.Off, Near: cache.NearConfig{MaxEntries: nearEntries},
	})
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

// An asideSpread has its keys in many caches on one client.
type asideSpread struct {
	rdb    redis.UniversalClient
	caches []*cache.Cache[string, subject.Account]
}

// AsideSpread is AsideMsgpack with the keys spread over n caches on one client.
func AsideSpread(n int) Spec {
	return Spec{
		Name: fmt.Sprintf("aside GetOrSet, msgpack, caches: %d", n), Module: moduleAside, Shares: true, Cluster: true,
		Note: "codec.Msgpack, the default; one client",
		Open: func(env Env) (Contender, error) {
			c := &asideSpread{rdb: client(env)}
			for i := range n {
				one, err := cache.New(c.rdb, cache.Config[string, subject.Account]{Name: fmt.Sprintf("spread%d.%d", n, i), TTL: TTL})
				if err != nil {
					return nil, errors.Join(err, c.Close())
				}
				c.caches = append(c.caches, one)
			}
			return c, nil
		},
	}
}

// of returns the cache of a key.
func (c *asideSpread) of(key string) *cache.Cache[string, subject.Account] {
	h := fnv.New32a()
	_, _ = io.WriteString(h, key)
	return c.caches[h.Sum32()%uint32(len(c.caches))]
}

func (c *asideSpread) GetOrSet(ctx context.Context, key string, load Loader) (subject.Account, error) {
	return c.of(key).GetOrSet(ctx, key, loader.Func[string, subject.Account](load))
}

func (c *asideSpread) Set(ctx context.Context, key string, a subject.Account) error {
	return c.of(key).Set(ctx, key, a)
}

func (c *asideSpread) Delete(ctx context.Context, key string) error {
	return c.of(key).Delete(ctx, key)
}

func (c *asideSpread) Close() error {
	var errs []error
	for _, one := range c.caches {
		errs = append(errs, one.Close())
	}
	return errors.Join(append(errs, c.rdb.Close())...)
}

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
