package contender

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/stat"
	"github.com/zeromicro/go-zero/core/stores/cache"
	"github.com/zeromicro/go-zero/core/stores/redis"
	"github.com/zeromicro/go-zero/core/syncx"

	"github.com/asidecache/aside/bench/subject"
)

type goZero struct{ cache cache.Cache }

var (
	errGoZeroNotFound = errors.New("not found")
	silenceGoZero     = sync.OnceFunc(func() {
		logx.Disable()
		stat.DisableLog()
	})
)

func openGoZero(env Env) (Contender, error) {
	silenceGoZero()
	conf := redis.RedisConf{Host: strings.Join(env.Addrs, ","), Type: redis.NodeType, Protocol: 3}
	if env.Cluster {
		conf.Type = redis.ClusterType
	}
	rdb, err := redis.NewRedis(conf)
	if err != nil {
		return nil, err
	}
	return &goZero{cache.NewNode(rdb, syncx.NewSingleFlight(), cache.NewStat("bench"), errGoZeroNotFound, cache.WithExpiry(TTL))}, nil
}

func (c *goZero) GetOrSet(ctx context.Context, key string, load Loader) (a subject.Account, err error) {
	err = c.cache.TakeCtx(ctx, &a, key, func(v any) error {
		loaded, err := load(ctx, key)
		*v.(*subject.Account) = loaded
		return err
	})
	return a, err
}

func (c *goZero) Set(ctx context.Context, key string, a subject.Account) error {
	return c.cache.SetCtx(ctx, key, a)
}

func (c *goZero) Delete(ctx context.Context, key string) error {
	return c.cache.DelCtx(ctx, key)
}

// Close does nothing: go-zero keeps a client for each address as long as the
// process lives.
func (c *goZero) Close() error { return nil }
