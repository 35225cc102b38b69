package cache

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/store"
)

const (
	defaultJitter       = 0.1
	defaultLoadTimeout  = 30 * time.Second
	defaultLease        = 3 * time.Second
	defaultRedisTimeout = time.Second
)

// minLease is the shortest lease that a process can be expected to renew in time.
const minLease = 10 * time.Millisecond

// New returns a cache on rdb, which may be shared with others and is not closed by
// the cache. The cache starts no goroutine before it is used. If the configuration
// cannot work, the error names all that is wrong with it.
//
// A client that does not honour deadlines, as by default none does, is used so
// that calls leave at theirs all the same. Its hooks see the cache's commands, if
// they are added before New. A client with hooks is faster with
// ContextTimeoutEnabled, and so is a cluster client: without, each command takes a
// goroutine.
func New[K comparable, V any](rdb redis.UniversalClient, cfg Config[K, V]) (*Cache[K, V], error) {
	var p problems
	c := &Cache[K, V]{codec: cfg.Codec, keyFunc: cfg.Key, ttlFor: cfg.TTLFor}
	c.core = &core{
		name:         cfg.Name,
		prefix:       prefix(cfg.Name, cfg.Version),
		ttl:          cfg.TTL,
		absent:       defaultTo(cfg.AbsentTTL, defaultAbsent(cfg.TTL)),
		jitter:       max(defaultTo(cfg.Jitter, defaultJitter), 0),
		lease:        defaultTo(cfg.Lease, defaultLease),
		loadTimeout:  defaultTo(cfg.LoadTimeout, defaultLoadTimeout),
		redisTimeout: defaultTo(cfg.RedisTimeout, defaultRedisTimeout),
		onRedisError: cfg.OnRedisError,
		observer:     observer{cfg.Observer, cfg.Name},
		closing:      make(chan struct{}),
	}
	if cfg.MaxLoads > 0 {
		c.core.slots = make(chan struct{}, cfg.MaxLoads)
	}
	p.checkName(cfg.Name, cfg.Version)
	p.checkTimes(c.core, cfg.Jitter)
	p.check(cfg.MaxLoads >= 0, "MaxLoads is %d: use a positive number, or 0 for no limit", cfg.MaxLoads)
	p.check(cfg.OnRedisError <= Fail, "OnRedisError is %d: use LoadThrough or Fail", cfg.OnRedisError)
	p.check(cfg.WaitReplicas >= 0, "WaitReplicas is %d: use a positive number, or 0 for none", cfg.WaitReplicas)
	p.checkLater(cfg.StaleFor, cfg.Near, cfg.Clone != nil)

	if c.codec == nil {
		c.codec = defaultCodec[V]()
	}
	if c.keyFunc == nil {
		var err error
		c.keyText, err = keyTextOf(reflect.TypeFor[K]())
		p.add("Key", err)
	}
	if v := reflect.ValueOf(c.codec); v.Kind() == reflect.Pointer && v.IsNil() {
		p.check(false, "Codec is a nil %T: leave it out for the default, or make one", c.codec)
	} else {
		if checker, ok := c.codec.(codec.Checker); ok {
			p.add("Codec", checker.Check())
		}
		var err error
		c.core.store, err = store.New(rdb, c.codec.Shape(), c.core.redisTimeout)
		p.add("", err)
		if err == nil && cfg.WaitReplicas > 0 {
			p.add("", c.core.store.WaitForReplicas(cfg.WaitReplicas))
		}
	}
	if err := p.join(cfg.Name); err != nil {
		return nil, err
	}
	return c, nil
}

// defaultCodec is the codec of a Config without one.
func defaultCodec[V any]() codec.Codec[V] {
	t := reflect.TypeFor[V]()
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return codec.Text[V]()
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return codec.Text[V]()
		}
	}
	return codec.Msgpack[V]()
}

func prefix(name string, version int) string {
	if version != 0 {
		name += "@" + strconv.Itoa(version)
	}
	return name + ":"
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

// problems collects what is wrong with a configuration, as sentences.
type problems []error

func (p *problems) check(ok bool, sentence string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(sentence, args...))
	}
}

func (p *problems) add(field string, err error) {
	switch {
	case err == nil:
	case field == "":
		*p = append(*p, err)
	default:
		*p = append(*p, fmt.Errorf("%s: %w", field, err))
	}
}

func (p problems) join(name string) error {
	if len(p) == 0 {
		return nil
	}
	return fmt.Errorf("aside: cache %q cannot be made: %w", name, errors.Join(p...))
}

var versionSuffix = regexp.MustCompile(`@[0-9]+$`)

func (p *problems) checkName(name string, version int) {
	p.check(name != "", "Name is empty: give the family of keys a name, such as \"user\"")
	p.check(name+":" != store.ControlPrefix && !strings.HasPrefix(name, store.ControlPrefix),
		"Name %q is taken: keys that begin with %q are the cache's own", name, store.ControlPrefix)
	p.check(!versionSuffix.MatchString(name), "Name %q ends like a version: set Version instead", name)
	p.check(version >= 0, "Version is %d: use a positive number, or 0 for none", version)
}

func (p *problems) checkTimes(c *core, jitter float64) {
	p.check(c.ttl != 0, "TTL is 0: say how long values are kept, or Forever")
	p.check(c.ttl == 0 || validTTL(c.ttl), "TTL is %v: it has to be at least 1ms, or Forever", c.ttl)
	p.check(c.absent == Off || c.absent >= time.Millisecond || !validTTL(c.ttl),
		"AbsentTTL is %v: it has to be at least 1ms, or Off", c.absent)
	p.check(!math.IsNaN(jitter) && jitter <= 1, "Jitter is %v: it is the fraction of the TTL that may be cut off, 1 at the most; negative for none", jitter)
	p.check(c.loadTimeout > 0, "LoadTimeout is %v: it has to be positive", c.loadTimeout)
	p.check(c.lease == Off || c.lease >= minLease, "Lease is %v: it has to be at least %v, to outlive the way to Redis, or Off", c.lease, minLease)
	p.check(c.redisTimeout >= time.Millisecond, "RedisTimeout is %v: it has to be at least 1ms", c.redisTimeout)
}

// checkLater refuses what a configuration may ask for and this version does not do.
func (p *problems) checkLater(staleFor time.Duration, near NearConfig, clone bool) {
	p.check(staleFor == 0 || staleFor == Off, "StaleFor is not available yet: leave it 0")
	p.check(near == NearConfig{}, "Near is not available yet: leave it zero")
	p.check(!clone, "Clone is for the near cache, which is not available yet: leave it nil")
}
