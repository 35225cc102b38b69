package fleet

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/loader"
)

// A subject is a cache that is tried.
type subject interface {
	GetOrSet(ctx context.Context, key string, load loader.Func[string, []string], opts ...cache.Option) ([]string, error)
	Get(ctx context.Context, key string, opts ...cache.Option) ([]string, bool, error)
	Entry(ctx context.Context, key string, opts ...cache.Option) (cache.Entry[[]string], error)
	Refresh(ctx context.Context, key string, load loader.Func[string, []string], opts ...cache.Option) ([]string, error)
	Set(ctx context.Context, key string, v []string, opts ...cache.Option) error
	SetAbsent(ctx context.Context, key string, opts ...cache.Option) error
	SetIfAbsent(ctx context.Context, key string, v []string, opts ...cache.Option) (bool, error)
	Touch(ctx context.Context, key string, opts ...cache.Option) (bool, error)
	Delete(ctx context.Context, keys ...string) error
	GetMany(ctx context.Context, keys []string, opts ...cache.Option) (map[string][]string, error)
	GetOrSetMany(ctx context.Context, keys []string, load loader.BatchFunc[string, []string], opts ...cache.Option) (map[string][]string, error)
	SetMany(ctx context.Context, values map[string][]string, opts ...cache.Option) error
	Close() error
}

// The caches that are tried.
const (
	aside     = "aside"
	leaseless = "without leases"
	naive     = "naive"
	unsealed  = "unsealed"
	forgiving = "forgiving"
	apart     = "versions of different names"
)

// subjectOf turns a cache into the subject of a name.
func subjectOf(name string, c *cache.Cache[string, []string]) subject {
	switch name {
	case naive:
		return naiveCache{c}
	case unsealed:
		return &unsealedCache{Cache: c}
	case forgiving:
		return forgivingCache{c}
	}
	return c
}

// A naiveCache does what most programs do by hand: GET, load, SET.
type naiveCache struct {
	*cache.Cache[string, []string]
}

func (c naiveCache) GetOrSet(ctx context.Context, key string, load loader.Func[string, []string], _ ...cache.Option) ([]string, error) {
	if v, ok, err := c.Get(ctx, key); ok || err != nil {
		return v, err
	}
	v, err := load(ctx, key)
	if err != nil {
		return nil, err
	}
	return v, c.Set(ctx, key, v)
}

// GetOrSetMany loads what it misses, also what others are loading.
func (c naiveCache) GetOrSetMany(ctx context.Context, keys []string, load loader.BatchFunc[string, []string], _ ...cache.Option) (map[string][]string, error) {
	values, err := c.GetMany(ctx, keys)
	if err != nil {
		return values, err
	}
	missing := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return values[key] != nil })
	if len(missing) == 0 {
		return values, nil
	}
	loaded, err := load(ctx, missing)
	if err != nil {
		return values, err
	}
	maps.Copy(values, loaded)
	return values, c.SetMany(ctx, loaded)
}

// A forgivingCache has a Delete that makes values stale, to be served while they are loaded anew,
// as some caches do.
type forgivingCache struct {
	*cache.Cache[string, []string]
}

func (c forgivingCache) Delete(ctx context.Context, keys ...string) (err error) {
	for _, key := range keys {
		_, failed := c.Touch(ctx, key, cache.TTL(time.Millisecond))
		err = errors.Join(err, failed)
	}
	return err
}

// An unsealedCache lets all callers that come while a call is under way have its
// result, as many caches do. So a caller that comes after a write may get what was found
// before it.
type unsealedCache struct {
	*cache.Cache[string, []string]
	calls singleflight.Group
}

func (c *unsealedCache) GetOrSet(ctx context.Context, key string, load loader.Func[string, []string], _ ...cache.Option) ([]string, error) {
	v, err, _ := c.calls.Do(key, func() (any, error) { return c.Cache.GetOrSet(ctx, key, load) })
	value, _ := v.([]string)
	return value, err
}

// GetOrSetMany is for the callers of the same keys what GetOrSet is for those of one.
func (c *unsealedCache) GetOrSetMany(ctx context.Context, keys []string, load loader.BatchFunc[string, []string], _ ...cache.Option) (map[string][]string, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	v, err, _ := c.calls.Do(strings.Join(keys, " "), func() (any, error) { return c.Cache.GetOrSetMany(ctx, keys, load) })
	values, _ := v.(map[string][]string)
	return values, err
}
