package servertest

import (
	"context"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

// storeFunc stores v under key in one of the ways there are.
type storeFunc[V any] func(c *cache.Cache[string, V], key string, v V, opts ...cache.Option) error

// stores returns all ways to store a value.
func stores[V any](ctx context.Context) map[string]storeFunc[V] {
	return map[string]storeFunc[V]{
		"Set": func(c *cache.Cache[string, V], key string, v V, opts ...cache.Option) error {
			return c.Set(ctx, key, v, opts...)
		},
		"SetIfAbsent": func(c *cache.Cache[string, V], key string, v V, opts ...cache.Option) error {
			_, err := c.SetIfAbsent(ctx, key, v, opts...)
			return err
		},
		"GetOrSet": func(c *cache.Cache[string, V], key string, v V, opts ...cache.Option) error {
			_, err := c.GetOrSet(ctx, key, func(context.Context, string) (V, error) { return v, nil }, opts...)
			return err
		},
		"GetOrSetEntry": func(c *cache.Cache[string, V], key string, v V, opts ...cache.Option) error {
			_, err := c.GetOrSetEntry(ctx, key, func(context.Context, string) (loader.Entry[V], error) { return loader.Entry[V]{Value: v}, nil }, opts...)
			return err
		},
		"Refresh": func(c *cache.Cache[string, V], key string, v V, opts ...cache.Option) error {
			_, err := c.Refresh(ctx, key, func(context.Context, string) (V, error) { return v, nil }, opts...)
			return err
		},
	}
}

// holder is the Redis key that has the life of a value: an empty hash or list is
// a mark in the control key.
func (b *bench[V]) holder(redisKey string, v V) string {
	var w codec.Wire
	if b.codec.Encode(&w, &v) == nil && w.Len() == 0 {
		return testcache.Control(redisKey)
	}
	return redisKey
}

func caseLifetimes[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	for name, store := range stores[V](t.Context()) {
		for kind, v := range map[string]V{"value": b.one, "empty": b.empty} {
			key := name + " " + kind
			if err := store(c, key, v); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			b.wantLife(t, b.holder(c.RedisKey(key), v), time.Hour)

			key += " TTL"
			if err := store(c, key, v, cache.TTL(time.Minute), cache.TTL(3*time.Hour)); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			b.wantLife(t, b.holder(c.RedisKey(key), v), 3*time.Hour)

			key += " impossible"
			for _, ttl := range []time.Duration{0, -2, time.Millisecond - 1, -time.Hour} {
				if err := store(c, key, v, cache.TTL(ttl)); err == nil {
					t.Errorf("%s with a TTL of %v gives no error", name, ttl)
				}
			}
			testcache.WantState(t, c, key, cache.Missing)
		}
	}
}

func caseTTLFor[V any](t *testing.T, b *bench[V]) {
	lives := map[string]time.Duration{"default": 0, "own": 2 * time.Hour, "over": -time.Second, "too short": time.Microsecond, "forever": cache.Forever}
	c := b.open(t, func(cfg *cache.Config[string, V]) {
		cfg.TTLFor = func(key string, v *V) time.Duration {
			testcache.Want(t, "the value of TTLFor", *v, nil, b.one)
			return lives[key]
		}
	})
	for name, store := range stores[V](t.Context()) {
		for key, life := range lives {
			if err := c.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if err := store(c, key, b.one); err != nil {
				t.Errorf("%s %s: %v", name, key, err)
			}
			switch key {
			case "default":
				b.wantLife(t, c.RedisKey(key), time.Hour)
			case "own":
				b.wantLife(t, c.RedisKey(key), life)
			case "forever":
				wantTTL(t, c, codec.ShapeString, key, cache.Forever)
			default:
				testcache.WantState(t, c, key, cache.Missing)
			}
			if err := store(c, "option "+name+key, b.one, cache.TTL(3*time.Hour)); err != nil {
				t.Errorf("%s %s: %v", name, key, err)
			}
			b.wantLife(t, c.RedisKey("option "+name+key), 3*time.Hour)
		}
	}

	// What was there is older than the value whose life is over.
	for _, name := range []string{"Set", "Refresh"} {
		if err := c.Set(t.Context(), "over", b.one, cache.TTL(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := stores[V](t.Context())[name](c, "over", b.one); err != nil {
			t.Errorf("%s of a value whose life is over: %v", name, err)
		}
		testcache.WantState(t, c, "over", cache.Missing)
	}
	stored, err := c.SetIfAbsent(t.Context(), "over", b.one)
	testcache.Want(t, "SetIfAbsent of a value whose life is over", stored, err, false)
}

func caseForever[V any](t *testing.T, b *bench[V]) {
	c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.TTL, cfg.Jitter = cache.Forever, 1 })
	for name, store := range stores[V](t.Context()) {
		for kind, v := range map[string]V{"value": b.one, "empty": b.empty} {
			key := name + " " + kind
			if err := store(c, key, v); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			wantTTL(t, c, shapeOf(b, v), key, cache.Forever)
		}
	}
	v, err := c.GetOrSet(t.Context(), "absent", testcache.Failing[V](cache.ErrNotFound))
	testcache.WantError(t, "GetOrSet", v, err, cache.ErrNotFound)
	if ttl := testcache.WantState(t, c, "absent", cache.Absent).TTL; ttl > time.Minute || ttl <= 0 {
		t.Errorf("AbsentTTL of a cache without expiry = %v, want at most a minute", ttl)
	}

	c = b.open(t)
	if err := c.Set(t.Context(), "k", b.one, cache.TTL(cache.Forever)); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	b.wantLife(t, c.RedisKey("k"), time.Hour)
}

// shapeOf is ShapeHash for a value that Redis cannot hold, see wantTTL.
func shapeOf[V any](b *bench[V], v V) codec.Shape {
	if b.holder("k", v) == "k" {
		return codec.ShapeString
	}
	return codec.ShapeHash
}

func caseAbsentTTL[V any](t *testing.T, b *bench[V]) {
	notFound := testcache.Failing[V](cache.ErrNotFound)
	for name, test := range map[string]struct {
		ttl, absent, wanted time.Duration
	}{
		"at most a minute":    {time.Hour, 0, time.Minute},
		"at most the TTL":     {30 * time.Second, 0, 30 * time.Second},
		"what was configured": {time.Hour, 2 * time.Hour, 2 * time.Hour},
	} {
		c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.TTL, cfg.AbsentTTL = test.ttl, test.absent })
		for how, store := range map[string]func(key string) error{
			"GetOrSet":  func(key string) error { _, err := c.GetOrSet(t.Context(), key, notFound); return err },
			"Refresh":   func(key string) error { _, err := c.Refresh(t.Context(), key, notFound); return err },
			"SetAbsent": func(key string) error { return c.SetAbsent(t.Context(), key) },
		} {
			key := name + how
			_ = store(key) // the state tells
			ttl := testcache.WantState(t, c, key, cache.Absent).TTL
			if ttl > test.wanted || ttl < test.wanted-10*time.Second {
				t.Errorf("%s: absence is remembered for %v after %s, want %v", name, ttl, how, test.wanted)
			}
		}
	}
	c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.AbsentTTL = cache.Off })
	if err := c.SetAbsent(t.Context(), "own", cache.TTL(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if ttl := testcache.WantState(t, c, "own", cache.Absent).TTL; ttl > 3*time.Hour || ttl < 2*time.Hour {
		t.Errorf("absence is remembered for %v, want 3h", ttl)
	}
	if err := c.SetAbsent(t.Context(), "own", cache.TTL(0)); err == nil {
		t.Error("SetAbsent with an impossible TTL gives no error")
	}
}

func caseJitter[V any](t *testing.T, b *bench[V]) {
	c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.Jitter = 0.5 })
	for name, store := range stores[V](t.Context()) {
		shorter := 0
		for i := range 10 {
			key := name + string(rune('a'+i))
			if err := store(c, key, b.one); err != nil {
				t.Fatal(err)
			}
			life := b.life(t, c.RedisKey(key))
			if life > time.Hour || life < 29*time.Minute {
				t.Errorf("%s: PTTL = %v, want between half an hour and an hour", name, life)
			}
			if life < 58*time.Minute {
				shorter++
			}
		}
		if shorter == 0 {
			t.Errorf("%s: none of 10 TTLs was shortened", name)
		}
	}
}

func caseExpiry[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	runs := 0
	store := func() {
		t.Helper()
		v, err := c.GetOrSet(t.Context(), "value", testcache.Value(b.one, &runs))
		testcache.Want(t, "GetOrSet", v, err, b.one)
		v, err = c.GetOrSet(t.Context(), "empty", testcache.Value(b.empty, &runs))
		testcache.Want(t, "GetOrSet", v, err, b.empty)
		v, err = c.GetOrSet(t.Context(), "absent", testcache.Failing[V](cache.ErrNotFound))
		testcache.WantError(t, "GetOrSet", v, err, cache.ErrNotFound)
	}
	store()
	b.env.Advance(t, 50*time.Second)
	testcache.WantState(t, c, "absent", cache.Absent)
	b.env.Advance(t, 10*time.Second)
	testcache.WantState(t, c, "absent", cache.Missing)
	b.env.Advance(t, 58*time.Minute)
	testcache.WantState(t, c, "value", cache.Present)
	testcache.WantState(t, c, "empty", cache.Present)
	b.env.Advance(t, time.Minute)
	testcache.WantState(t, c, "value", cache.Missing)
	testcache.WantState(t, c, "empty", cache.Missing)
	store()
	if runs != 4 {
		t.Errorf("%d loads for two keys that expired once, want 4", runs)
	}
}
