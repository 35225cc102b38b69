package collection_test

import (
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// What a write creates is fresh for the TTL, in the eyes of a cache of the same Name, and kept for
// StaleFor beyond it; what a cache has stored keeps the TTL that it has, unless that is set anew.
func TestStaleForOfWrites(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		ctx := t.Context()
		cfg := config("stale")
		cfg.StaleFor = time.Hour
		l := newList(t, env.Client, cfg)
		c := opened(t, cache.Must(cache.New(env.Client, cache.Config[string, []string]{
			Name: "stale", Codec: codec.List(codec.Text[string]()), TTL: time.Hour, StaleFor: time.Hour, Jitter: -1, RedisTimeout: longTimeout,
		})), nil)
		state := func(key string, want cache.State, left time.Duration) {
			t.Helper()
			e, err := c.Entry(ctx, key)
			if err != nil || e.State != want || e.TTL > left || e.TTL < left-time.Minute {
				t.Errorf("%s: %v for %v, %v; want %v for %v", key, e.State, e.TTL, err, want, left)
			}
		}
		if _, err := l.PushBack(ctx, "new", "a"); err != nil {
			t.Fatal(err)
		}
		state("new", cache.Present, time.Hour)
		if _, err := l.With(collection.TTL(time.Minute)).PushBack(ctx, "short", "a"); err != nil {
			t.Fatal(err)
		}
		state("short", cache.Present, time.Minute)

		if err := c.Set(ctx, "old", []string{"a"}); err != nil {
			t.Fatal(err)
		}
		env.Client.PExpire(ctx, c.RedisKey("old"), 30*time.Minute)
		if _, err := l.PushBack(ctx, "old", "b"); err != nil {
			t.Fatal(err)
		}
		state("old", cache.Stale, 30*time.Minute)
		if _, err := l.With(collection.Renew()).PushBack(ctx, "old", "c"); err != nil {
			t.Fatal(err)
		}
		state("old", cache.Present, time.Hour)
	})

	h := people
	_, err := collection.NewHash(nil, collection.HashConfig[string, person]{Name: "x", Mapping: h, TTL: cache.Forever, StaleFor: time.Minute})
	if err == nil {
		t.Error("NewHash takes StaleFor for what does not expire")
	}
}
