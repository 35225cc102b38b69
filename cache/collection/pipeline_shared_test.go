package collection_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A cache of whole values and a collection of their elements understand each other.
func TestSharedWithACache(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		text := codec.Text[string]()
		t.Run("list", func(t *testing.T) {
			l := newList(t, env.Client, config("list"))
			share(t, env.Client, "list", codec.List(text), []string{"a", "b"}, []string{"a", "b", "c"}, []string{},
				func(ctx context.Context) error { return second(l.PushBack(ctx, "k", "c")) },
				func(ctx context.Context) error { return second(l.PopFront(ctx, "k", 9)) })
		})
		t.Run("set", func(t *testing.T) {
			s := newSet(t, env.Client, config("set"))
			type set = map[string]struct{}
			share(t, env.Client, "set", codec.Set(text), set{"a": {}}, set{"a": {}, "b": {}}, set{},
				func(ctx context.Context) error { return second(s.Add(ctx, "k", "b")) },
				func(ctx context.Context) error { return second(s.Remove(ctx, "k", "a", "b")) })
		})
		t.Run("sorted set", func(t *testing.T) {
			z := newSortedSet(t, env.Client, config("zset"))
			a, b := scored{Elem: "a", Score: -1.5}, scored{Elem: "b", Score: 7}
			share(t, env.Client, "zset", codec.SortedSet(text), []scored{a}, []scored{a, b}, []scored{},
				func(ctx context.Context) error { return second(z.Put(ctx, "k", b)) },
				func(ctx context.Context) error { return second(z.PopMin(ctx, "k", 9)) })
		})
	})
}

// share loads a value, has an element added and all elements removed by a collection, and
// checks what the cache finds.
func share[V any](t *testing.T, rdb redis.UniversalClient, name string, c codec.Codec[V], loaded, added, empty V, add, clear call) {
	values, err := cache.New(rdb, cache.Config[string, V]{Name: name, Codec: c, TTL: time.Hour, RedisTimeout: longTimeout})
	values = opened(t, values, err)
	ctx := t.Context()
	never := func(context.Context, string) (v V, _ error) { return v, errors.New("a load that was not needed") }
	found := func(what string, want V, load func(context.Context, string) (V, error)) {
		t.Helper()
		if got, err := values.GetOrSet(ctx, "k", load); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s, GetOrSet = %v, %v, want %v", what, got, err, want)
		}
	}
	found("loaded", loaded, func(context.Context, string) (V, error) { return loaded, nil })
	if err := add(ctx); err != nil {
		t.Fatal(err)
	}
	found("after an element was added", added, never)
	if err := clear(ctx); err != nil {
		t.Fatal(err)
	}
	found("after all elements were removed", empty, never)
	if err := values.SetAbsent(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	if err := add(ctx); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := values.Get(ctx, "k"); !ok || err != nil {
		t.Errorf("what was absent and has an element now is not found, %v", err)
	}
	if err := values.Delete(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	older, err := values.GetOrSet(ctx, "k", func(ctx context.Context, _ string) (V, error) { return loaded, clear(ctx) })
	if err != nil || !reflect.DeepEqual(older, loaded) {
		t.Errorf("GetOrSet = %v, %v", older, err)
	}
	if _, ok, err := values.Get(ctx, "k"); ok || err != nil {
		t.Errorf("a load was stored over a removal that came after it began, %v", err)
	}
}
