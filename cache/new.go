package cache

import (
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/hotkeys"
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
// the cache. The cache starts no goroutine before it is used, but for those of a near cache that
// Redis is to tell of writes: for that New also connects, for no longer than RedisTimeout. If the
// configuration cannot work, the error names all that is wrong with it.
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
	c := &Cache[K, V]{codec: cfg.Codec, clone: cfg.Clone, equal: cfg.Equal, ttlFor: cfg.TTLFor, upgrade: cfg.Upgrade.convert}
	if c.codec == nil {
		c.codec = keyspace.DefaultCodec[V]()
	}
	var keyErr error
	c.keys, keyErr = keyspace.NewKeys(cfg.Name, cfg.Version, cfg.Key)
	settings := coreConfig{
		name: cfg.Name, version: cfg.Version, controlPrefix: cfg.ControlPrefix, keyErr: keyErr,
		codec: c.codec, values: reflect.TypeFor[V](), clone: cfg.Clone != nil,
		ttl: cfg.TTL, jitter: cfg.Jitter, absentTTL: cfg.AbsentTTL, staleFor: cfg.StaleFor,
		loadTimeout: cfg.LoadTimeout, errorTTL: cfg.ErrorTTL, maxLoads: cfg.MaxLoads, lease: cfg.Lease,
		waitReplicas: cfg.WaitReplicas, near: cfg.Near, redisTimeout: cfg.RedisTimeout,
		onRedisError: cfg.OnRedisError, pipelining: cfg.Pipelining, observer: cfg.Observer,
		upgrade: cfg.Upgrade.previous, registry: cfg.Registry, audit: cfg.Audit,
	}
	settings.takeDefaults()
	var err error
	if c.core, err = newCore(rdb, settings); err != nil {
		return nil, err
	}
	c.core.store.SetFamily(c.keys.Family(settings.controlPrefix))
	if previous := c.core.engine.Previous; previous != nil {
		previous.SetFamily(c.keys.Before())
		previous.ReadTTLs(true)
	}
	c.anyKeys = c.core.near != nil && holdsInterface(reflect.TypeFor[K]())
	c.core.openNear()
	if err := c.core.enterRegistry(); err != nil {
		return nil, err
	}
	return c, nil
}

// coreConfig is a Config without its types.
type coreConfig struct {
	name          string
	version       int
	controlPrefix string
	keyErr        error // why the keys have no text
	codec         interface{ Shape() codec.Shape }
	values        reflect.Type
	clone         bool
	ttl           time.Duration
	jitter        float64
	absentTTL     time.Duration
	staleFor      time.Duration
	loadTimeout   time.Duration
	errorTTL      time.Duration
	maxLoads      int
	lease         time.Duration
	waitReplicas  int
	near          NearConfig
	redisTimeout  time.Duration
	onRedisError  FailurePolicy
	pipelining    Pipelining
	observer      Observer
	upgrade       previous
	registry      *Registry
	audit         AuditConfig
}

func newCore(rdb redis.UniversalClient, cfg coreConfig) (*core, error) {
	c := &core{
		name:         cfg.name,
		version:      cfg.version,
		rdb:          rdb,
		ttl:          cfg.ttl,
		absent:       defaultTo(cfg.absentTTL, defaultAbsent(cfg.ttl)),
		staleFor:     max(cfg.staleFor, 0).Truncate(time.Millisecond),
		jitter:       max(defaultTo(cfg.jitter, keyspace.DefaultJitter), 0),
		redisTimeout: defaultTo(cfg.redisTimeout, keyspace.DefaultRedisTimeout),
		observer:     newObserver(cfg.name, cfg.observer),
		reminders:    reminders{start: time.Now()},
		ended:        make(chan struct{}),
		registry:     cfg.registry,
		sampler:      newSampler(cfg.audit),
	}
	c.longest.note(keyspace.StoredTTL(c.ttl, 0, c.staleFor))
	c.trial.begin()
	c.decoded = rdb != nil && reflect.TypeOf(rdb).Comparable() && keyspace.DecodesLoaded(rdb)
	engine := protocol.Config{
		Reporter:     c,
		Lease:        defaultTo(cfg.lease, defaultLease),
		LoadTimeout:  defaultTo(cfg.loadTimeout, defaultLoadTimeout),
		RedisTimeout: c.redisTimeout,
		MaxLoads:     cfg.maxLoads,
		ErrorTTL:     max(cfg.errorTTL, 0),
		FailFast:     cfg.onRedisError == Fail,
		StaleFor:     c.staleFor,
		Audits:       cfg.audit.engine(),
	}
	var p keyspace.Problems
	var err error
	cfg.check(&p, c, engine)
	if v := reflect.ValueOf(cfg.codec); v.Kind() == reflect.Pointer && v.IsNil() {
		p.Check(false, "Codec is a nil %T: leave it out for the default, or make one", cfg.codec)
	} else {
		if checker, ok := cfg.codec.(codec.Checker); ok {
			p.Add("Codec", checker.Check())
		}
		p.Add("", c.connect(cfg))
	}
	if cfg.upgrade.check(&p, cfg.version, engine.Lease) && len(p) == 0 {
		engine.Previous, err = c.newStore(cfg, cfg.upgrade.codec.Shape())
		p.Add("Upgrade", err)
	}
	if len(p) == 0 {
		c.hot = hotkeys.Of(rdb)
		c.near, err = newNearTier(cfg.near, rdb, c.redisTimeout)
		p.Add("", err)
	}
	if len(p) == 0 {
		engine.Store, engine.Waker = c.store, c.near.waker()
		c.engine = protocol.New(engine)
		c.member, err = registry.Enter(c, rdb, cfg.name, cfg.version, registry.Values{
			Kind: registry.Cache, Type: cfg.values, Shape: cfg.codec.Shape(), Codec: cfg.codec,
			ControlPrefix: keyspace.ControlPrefix(cfg.controlPrefix),
		})
		p.Add("", err)
	}
	err = p.Join("cache", cfg.name)
	if err == nil {
		return c, nil
	}
	for _, s := range []*store.Store{c.store, engine.Previous} {
		if s != nil {
			s.Close()
		}
	}
	return nil, err
}

// newStore makes a store of values of a shape.
func (c *core) newStore(cfg coreConfig, shape codec.Shape) (*store.Store, error) {
	s, err := store.New(c.rdb, shape, c.redisTimeout)
	if err == nil && cfg.pipelining == Unpipelined {
		s.SendAlone()
	}
	return s, err
}

// connect makes the store.
func (c *core) connect(cfg coreConfig) (err error) {
	if c.store, err = c.newStore(cfg, cfg.codec.Shape()); err != nil {
		return err
	}
	if c.staleFor > 0 || cfg.near != (NearConfig{}) {
		c.store.ReadTTLs(c.staleFor > 0 || cfg.lease == Off)
	}
	c.watchBreaker()
	if cfg.waitReplicas > 0 {
		return c.store.WaitForReplicas(cfg.waitReplicas)
	}
	return nil
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

// check checks the settings, with their defaults in c and engine.
func (cfg *coreConfig) check(p *keyspace.Problems, c *core, engine protocol.Config) {
	p.CheckName(cfg.name, cfg.version)
	p.CheckPrefix(cfg.name, cfg.controlPrefix)
	p.CheckTimes(c.ttl, cfg.jitter, c.redisTimeout)
	p.Check(c.absent == Off || c.absent >= time.Millisecond || !keyspace.ValidTTL(c.ttl),
		"AbsentTTL is %v: it has to be at least 1ms, or Off", c.absent)
	p.CheckStaleFor(cfg.staleFor, c.ttl)
	p.Check(engine.LoadTimeout > 0, "LoadTimeout is %v: it has to be positive", engine.LoadTimeout)
	p.Check(cfg.errorTTL == 0 || cfg.errorTTL == Off || cfg.errorTTL >= time.Millisecond && cfg.errorTTL <= maxErrorTTL,
		"ErrorTTL is %v: it has to be from 1ms to %v, as a source that has recovered is not asked meanwhile, or 0", cfg.errorTTL, maxErrorTTL)
	p.Check(engine.Lease == Off || engine.Lease >= minLease,
		"Lease is %v: it has to be at least %v, to outlive the way to Redis, or Off", engine.Lease, minLease)
	p.Check(cfg.maxLoads >= 0, "MaxLoads is %d: use a positive number, or 0 for no limit", cfg.maxLoads)
	p.Check(cfg.onRedisError <= Fail, "OnRedisError is %d: use LoadThrough or Fail", cfg.onRedisError)
	p.Check(cfg.pipelining <= Unpipelined, "Pipelining is %d: use Adaptive or Unpipelined", cfg.pipelining)
	p.Check(cfg.waitReplicas >= 0,
		"WaitReplicas is %d: use a positive number, or 0 for none", cfg.waitReplicas)
	cfg.near.check(p, cfg.clone)
	cfg.audit.check(p, engine.Lease)
	p.Add("Key", cfg.keyErr)
}
