package collection

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/registry"
	"github.com/asidecache/aside/internal/store"
)

// core is what does not depend on the types of keys and elements.
type core struct {
	name     string
	rdb      redis.UniversalClient // the caller's
	store    *store.Store
	member   *registry.Member
	shape    codec.Shape
	jitter   float64       // 0 for none
	staleFor time.Duration // 0 for none
	timeout  time.Duration
	requests sync.Pool // of *request
	closed   atomic.Bool
}

// keyed is a collection without its elements.
type keyed[K comparable] struct {
	core  *core
	keys  keyspace.Keys[K]
	rules rules
}

// A setup is what the configurations of all collections have in common.
type setup[K comparable] struct {
	name     string
	version  int
	prefix   string // of control keys
	key      func(dst []byte, key K) []byte
	ttl      time.Duration
	staleFor time.Duration
	jitter   float64
	timeout  time.Duration
	replicas int
}

// open makes a keyed of values. Its problems are added to those in p.
func (s setup[K]) open(
	rdb redis.UniversalClient, values registry.Values, p *keyspace.Problems,
) (keyed[K], error) {
	timeout := cmp.Or(s.timeout, keyspace.DefaultRedisTimeout)
	k := keyed[K]{rules: rules{ttl: s.ttl}, core: &core{
		name: s.name, rdb: rdb, shape: values.Shape, timeout: timeout,
		jitter: max(cmp.Or(s.jitter, keyspace.DefaultJitter), 0), staleFor: max(s.staleFor, 0),
	}}
	p.CheckName(s.name, s.version)
	p.CheckPrefix(s.name, s.prefix)
	p.CheckTimes(s.ttl, s.jitter, timeout)
	p.CheckStaleFor(s.staleFor, s.ttl)
	p.Check(s.replicas >= 0, "WaitReplicas is %d: use a positive number, or 0 for none", s.replicas)
	var err error
	k.keys, err = keyspace.NewKeys(s.name, s.version, s.key)
	p.Add("Key", err)
	k.core.store, err = store.New(rdb, values.Shape, timeout)
	p.Add("", err)
	if err == nil {
		k.core.store.SetFamily(k.keys.Family(s.prefix))
		k.core.store.SendAlone()
	}
	if err == nil && s.replicas > 0 {
		p.Add("", k.core.store.WaitForReplicas(s.replicas))
	}
	if len(*p) == 0 {
		values.ControlPrefix = keyspace.ControlPrefix(s.prefix)
		k.core.member, err = registry.Enter(k.core, rdb, s.name, s.version, values)
		p.Add("", err)
	}
	return k, p.Join(values.Kind, s.name)
}

// storedTTL is what Redis is given for a TTL.
func (c *core) storedTTL(ttl time.Duration) time.Duration {
	return keyspace.StoredTTL(ttl, c.jitter, c.staleFor)
}

// openElements makes what a collection of elements is made of.
func openElements[K comparable, E any](
	rdb redis.UniversalClient, cfg Config[K, E], shape codec.Shape, kind string,
) (elements[K, E], error) {
	var p keyspace.Problems
	value := cfg.Value
	if value == nil {
		value = keyspace.DefaultCodec[E]()
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && v.IsNil() {
		p.Check(false, "Value is a nil %T: leave it out for the default, or make one", value)
	} else if checker, ok := value.(codec.Checker); ok {
		p.Add("Value", checker.Check())
	}
	s := setup[K]{
		cfg.Name, cfg.Version, cfg.ControlPrefix, cfg.Key, cfg.TTL, cfg.StaleFor, cfg.Jitter, cfg.RedisTimeout, cfg.WaitReplicas,
	}
	values := registry.Values{Kind: kind, Type: reflect.TypeFor[E](), Shape: shape, Codec: value}
	k, err := s.open(rdb, values, &p)
	return elements[K, E]{k, value}, err
}

// RedisKey returns the Redis key that holds the value of key, or the empty string
// when the key has no text because its MarshalText fails.
func (k keyed[K]) RedisKey(key K) string {
	text, err := k.keys.Append(nil, &key)
	if err != nil {
		return ""
	}
	return string(text)
}

// Delete removes the values of keys, and what is recorded of them, as cache.Cache's Delete
// does. Errors of several keys are a *cache.BatchError.
func (k keyed[K]) Delete(ctx context.Context, keys ...K) error {
	const op = cache.OpDelete
	names, err := k.redisKeys(op, keys)
	if err != nil {
		return err
	}
	if k.core.closed.Load() {
		return k.core.error(op, "", cache.ErrClosed, nil)
	}
	k.core.store.Written(names...)
	defer k.core.store.Written(names...)
	failed := k.core.store.Delete(ctx, time.Now().Add(k.core.timeout), names)
	if len(failed) == 0 {
		return nil
	}
	call := fmt.Sprintf("aside: %s %s", op, k.core.name)
	batch := &cache.BatchError[K]{Errs: make(map[K]error), Call: call}
	for i, cause := range failed {
		batch.Errs[keys[i]] = k.core.redisError(ctx, op, names[i], cause)
	}
	if len(keys) == 1 {
		return batch.Errs[keys[0]]
	}
	different := make(map[K]struct{}, len(keys))
	for _, key := range keys {
		different[key] = struct{}{}
	}
	batch.Keys = len(different)
	return batch
}

// Close waits for commands that were abandoned, at most RedisTimeout. Later calls fail
// with cache.ErrClosed. The Redis client stays open. Only the first Close does anything,
// including for the collections that With has made of this one; it returns nil. Then values of
// another type may have the Name, see cache.New.
func (k keyed[K]) Close() error {
	if !k.core.closed.Swap(true) {
		k.core.store.Close()
		k.core.member.Leave()
	}
	return nil
}

// redisKey returns the Redis key of key.
func (k keyed[K]) redisKey(op cache.Op, key K) (string, error) {
	var buf [128]byte
	text, err := k.keys.Append(buf[:0], &key)
	if err != nil {
		return "", k.core.error(op, "", cache.ErrEncode, err)
	}
	return string(text), nil
}

// redisKeys returns the Redis keys of keys.
func (k keyed[K]) redisKeys(op cache.Op, keys []K) ([]string, error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if names[i], err = k.redisKey(op, key); err != nil {
			return nil, err
		}
	}
	return names, nil
}
