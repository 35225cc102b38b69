package servertest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// tenant is what a user may do that may use keys of a prefix alone.
var tenant = []string{"~tenant7:*", "+@all"}

// wrapped is a client of a type that does not lead to one server.
type wrapped struct{ redis.UniversalClient }

// With a ControlPrefix a user can be kept to a prefix: whatever is written lies behind it.
func TestControlPrefix(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			return // it knows no rights
		}
		env.FlushAll(t)
		rdb := env.NewUser(t, "tenant", tenant)
		ctx := t.Context()
		var seen []string
		look := func() { seen = append(seen, env.Keys(t)...) }
		load := func(context.Context, string) (string, error) { look(); return strings.Repeat("v", 5000), nil }
		loadAll := func(_ context.Context, keys []string) (map[string]string, error) {
			look()
			return map[string]string{keys[0]: "v"}, nil
		}
		c := testcache.Open(t, rdb, cache.Config[string, string]{Name: "tenant7:user", Version: 1, ControlPrefix: "tenant7:aside:"})
		list, err := collection.NewList(rdb, collection.Config[string, string]{Name: "tenant7:list", ControlPrefix: "tenant7:aside:", TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		many := make([]string, 20_000) // elements, which are staged
		var p collection.Pipeline
		c.In(&p).Set("k", strings.Repeat("v", 5000))
		list.In(&p).PushBack("l", "a")
		for what, do := range map[string]func() error{
			"GetOrSet":     func() error { _, err := c.GetOrSet(ctx, "{t}k", load); return err },
			"GetOrSetMany": func() error { _, err := c.GetOrSetMany(ctx, []string{"a", "b}", "c"}, loadAll); return err },
			"Refresh":      func() error { _, err := c.Refresh(ctx, "r", load); return err },
			"Set":          func() error { return c.Set(ctx, "s", strings.Repeat("v", 5000)) },
			"SetIfAbsent":  func() error { _, err := c.SetIfAbsent(ctx, "i", "v"); return err },
			"SetAbsent":    func() error { return c.SetAbsent(ctx, "n") },
			"Touch":        func() error { _, err := c.Touch(ctx, "s"); return err },
			"Entry":        func() error { _, err := c.Entry(ctx, "s"); return err },
			"Delete":       func() error { return c.Delete(ctx, "s", "x", "y") },
			"PushBack":     func() error { _, err := list.PushBack(ctx, "l", many...); return err },
			"Exec":         func() error { return p.Exec(ctx) },
			"ExecAtomic": func() error {
				var p collection.Pipeline
				c.In(&p).Set("k", "v")
				return p.ExecAtomic(ctx)
			},
		} {
			if err := do(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			look()
		}
		if s := c.Stats(); s.NotStored() != 0 || s.RedisErrors != 0 {
			t.Errorf("Stats = %+v", s)
		}
		leases := 0
		for _, key := range seen {
			if !strings.HasPrefix(key, "tenant7:") {
				t.Errorf("the key %q is outside", key)
			}
			if strings.HasPrefix(key, "tenant7:aside:") {
				leases++
			}
		}
		if leases == 0 {
			t.Error("no control key was seen")
		}
	})
}

// What a client writes or watches beside values lies behind the prefix as well.
func TestControlPrefixOfScratchKeys(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.Start(t, redistest.Sentinel)
			if err := i.Client(t).Do(t.Context(), "acl", "setuser", "default", "resetkeys", "~tenant7:*").Err(); err != nil {
				t.Fatal(err)
			}
			cfg := cache.Config[string, string]{Name: "tenant7:user", ControlPrefix: "tenant7:aside:", RedisTimeout: time.Minute}
			waiting := cfg
			waiting.WaitReplicas = 1
			c := testcache.Open(t, i.Client(t), waiting)
			if err := c.Delete(t.Context(), "k"); err != nil { // it changes nothing, and leaves a trace for WAIT
				t.Error(err)
			}
			var p collection.Pipeline
			testcache.Open[string, string](t, wrapped{i.Client(t)}, cfg).In(&p).Set("k", "v")
			if err := p.ExecAtomic(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Caches and collections of one Name on one client have one ControlPrefix.
func TestControlPrefixesThatDiffer(t *testing.T) {
	env := redistest.Mini(t)
	testcache.Open(t, env.Client, cache.Config[string, []string]{Name: "n", Codec: codec.List(codec.Text[string]()), ControlPrefix: "c:"})
	_, err := collection.NewList(env.Client, collection.Config[string, string]{Name: "n", TTL: time.Hour})
	if err == nil || !strings.Contains(err.Error(), `the ControlPrefix "c:", and this one has "aside:"`) {
		t.Errorf("a list with another prefix: %v", err)
	}
	_, err = collection.NewList(env.Client, collection.Config[string, string]{Name: "n", ControlPrefix: "c:", TTL: time.Hour})
	_, other := cache.New(env.Client, cache.Config[string, string]{Name: "n", Version: 1, TTL: time.Hour})
	if err != nil || other == nil {
		t.Errorf("a list with the same: %v; another version with another: %v", err, other)
	}
	_, err = collection.NewHash(env.Client, collection.HashConfig[string, person]{Name: "n", Version: 2, Mapping: persons, TTL: time.Hour})
	if err == nil || errors.Is(err, cache.ErrRedis) {
		t.Errorf("a hash with another: %v", err)
	}
}
