package cache

import (
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/registry"
	"github.com/asidecache/aside/internal/store"
)

const (
	defaultLoadTimeout = 30 * time.Second
	defaultLease       = 3 * time.Second
)

// minLease is the shortest lease that a process can be expected to renew in time.
const minLease = 10 * time.Millisecond

// New returns a cache on rdb, which may be shared with others and is not closed by
// the cache. The cache starts no goroutine before it is used. If the configuration
// cannot work, the error names all that is wrong with it.
//
// New refuses a cache whose Name and Version belong, on the same client, to an open one with
// another V or another codec: each would read the other's values as something else. Caches
// with the same V and codec may be as many as you like, whatever their K and their other
// settings. A collection of the same Name counts as well: it has to have the Redis type, and
// the elements or the fields, of the cache's codec. Codecs are told apart by their types: not by
// their settings, nor by what a codec of your own has inside, and such a codec of a
// list, a set, a sorted set or a hash goes with every collection of that type. Close gives
// the Name back, and so does the end of a cache that nothing refers to, in its own time. Two
// clients are never compared, nor is one of a type that Go cannot compare.
//
// A client that does not honour deadlines, as by default none does, is used so
// that calls leave at theirs all the same. Its hooks see the cache's commands, if
// they are added before New. A client with hooks is faster with
// ContextTimeoutEnabled, and so is a cluster client: without, each command takes a
// goroutine.
func New[K comparable, V any](rdb redis.UniversalClient, cfg Config[K, V]) (*Cache[K, V], error) {
	var p keyspace.Problems
	c := &Cache[K, V]{codec: cfg.Codec, ttlFor: cfg.TTLFor}
	c.core = &core{
		name:         cfg.Name,
		rdb:          rdb,
		ttl:          cfg.TTL,
		absent:       defaultTo(cfg.AbsentTTL, defaultAbsent(cfg.TTL)),
		jitter:       max(defaultTo(cfg.Jitter, keyspace.DefaultJitter), 0),
		redisTimeout: defaultTo(cfg.RedisTimeout, keyspace.DefaultRedisTimeout),
		observer:     observer{cfg.Observer, cfg.Name},
		reminders:    reminders{start: time.Now()},
	}
	c.core.trial.begin()
	c.core.decoded = rdb != nil && reflect.TypeOf(rdb).Comparable() && keyspace.DecodesLoaded(rdb)
	engine := protocol.Config{
		Reporter:     c.core,
		Lease:        defaultTo(cfg.Lease, defaultLease),
		LoadTimeout:  defaultTo(cfg.LoadTimeout, defaultLoadTimeout),
		RedisTimeout: c.core.redisTimeout,
		MaxLoads:     cfg.MaxLoads,
		FailFast:     cfg.OnRedisError == Fail,
	}
	p.CheckName(cfg.Name, cfg.Version)
	checkTimes(&p, c.core, engine, cfg.Jitter)
	p.Check(cfg.MaxLoads >= 0, "MaxLoads is %d: use a positive number, or 0 for no limit", cfg.MaxLoads)
	p.Check(cfg.OnRedisError <= Fail, "OnRedisError is %d: use LoadThrough or Fail", cfg.OnRedisError)
	p.Check(cfg.Pipelining <= Unpipelined, "Pipelining is %d: use Adaptive or Unpipelined", cfg.Pipelining)
	p.Check(cfg.WaitReplicas >= 0, "WaitReplicas is %d: use a positive number, or 0 for none", cfg.WaitReplicas)
	checkLater(&p, cfg.StaleFor, cfg.Near, cfg.Clone != nil)

	if c.codec == nil {
		c.codec = keyspace.DefaultCodec[V]()
	}
	var err error
	c.keys, err = keyspace.NewKeys(cfg.Name, cfg.Version, cfg.Key)
	p.Add("Key", err)
	if v := reflect.ValueOf(c.codec); v.Kind() == reflect.Pointer && v.IsNil() {
		p.Check(false, "Codec is a nil %T: leave it out for the default, or make one", c.codec)
	} else {
		if checker, ok := c.codec.(codec.Checker); ok {
			p.Add("Codec", checker.Check())
		}
		c.core.store, err = store.New(rdb, c.codec.Shape(), c.core.redisTimeout)
		p.Add("", err)
		if err == nil && cfg.Pipelining == Unpipelined {
			c.core.store.SendAlone()
		}
		if err == nil && cfg.WaitReplicas > 0 {
			p.Add("", c.core.store.WaitForReplicas(cfg.WaitReplicas))
		}
	}
	if len(p) == 0 {
		engine.Store = c.core.store
		c.core.engine = protocol.New(engine)
		c.core.member, err = registry.Enter(c.core, rdb, cfg.Name, cfg.Version, registry.Values{
			Kind: registry.Cache, Type: reflect.TypeFor[V](), Shape: c.codec.Shape(), Codec: c.codec,
		})
		p.Add("", err)
	}
	if err := p.Join("cache", cfg.Name); err != nil {
		return nil, err
	}
	return c, nil
}

func defaultTo[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}
	return value
}

func defaultAbsent(ttl time.Duration) time.Duration {
	if ttl == Forever {
		return defaultAbsentTTL
	}
	return min(ttl, defaultAbsentTTL)
}

func checkTimes(p *keyspace.Problems, c *core, engine protocol.Config, jitter float64) {
	p.CheckTimes(c.ttl, jitter, c.redisTimeout)
	p.Check(c.absent == Off || c.absent >= time.Millisecond || !keyspace.ValidTTL(c.ttl),
		"AbsentTTL is %v: it has to be at least 1ms, or Off", c.absent)
	p.Check(engine.LoadTimeout > 0, "LoadTimeout is %v: it has to be positive", engine.LoadTimeout)
	p.Check(engine.Lease == Off || engine.Lease >= minLease,
		"Lease is %v: it has to be at least %v, to outlive the way to Redis, or Off", engine.Lease, minLease)
}

// checkLater refuses what a configuration may ask for and this version does not do.
func checkLater(p *keyspace.Problems, staleFor time.Duration, near NearConfig, clone bool) {
	p.Check(staleFor == 0 || staleFor == Off, "StaleFor is not available yet: leave it 0")
	p.Check(near == NearConfig{}, "Near is not available yet: leave it zero")
	p.Check(!clone, "Clone is for the near cache, which is not available yet: leave it nil")
}
