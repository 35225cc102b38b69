package cache_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// refuseWrites has a server refuse commands that write, until the returned flag is false.
func refuseWrites(env *redistest.Env) *atomic.Bool {
	var refuse atomic.Bool
	refuse.Store(true)
	env.Mini.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
		writes := strings.HasPrefix(command, "EVAL") || command == "UNLINK" || command == "MULTI" || command == "SET"
		if writes && refuse.Load() {
			peer.WriteError("MISCONF Redis is configured to save RDB snapshots")
			return true
		}
		return false
	})
	return &refuse
}

// failedWrites are calls that change k.
var failedWrites = map[string]func(ctx context.Context, c *cache.Cache[string, string]) error{
	"Delete": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Delete(ctx, "k") },
	"Delete of many": func(ctx context.Context, c *cache.Cache[string, string]) error {
		return c.Delete(ctx, "k", "l")
	},
	"Set": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Set(ctx, "k", "new") },
	"SetMany": func(ctx context.Context, c *cache.Cache[string, string]) error {
		return c.SetMany(ctx, map[string]string{"k": "new", "l": "new"})
	},
	"SetAbsent": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.SetAbsent(ctx, "k") },
	"SetIfAbsent": func(ctx context.Context, c *cache.Cache[string, string]) error {
		_, err := c.SetIfAbsent(ctx, "k", "new")
		return err
	},
	"Refresh": func(ctx context.Context, c *cache.Cache[string, string]) error {
		_, err := c.Refresh(ctx, "k", value("new", new(int)))
		return err
	},
	"Delete in a pipeline": func(ctx context.Context, c *cache.Cache[string, string]) error {
		var p collection.Pipeline
		c.In(&p).Delete("k")
		return p.Exec(ctx)
	},
	"Set in a pipeline": func(ctx context.Context, c *cache.Cache[string, string]) error {
		var p collection.Pipeline
		c.In(&p).Set("k", "new")
		return p.Exec(ctx)
	},
}

// wantUncached checks that no read of k finds what Redis has, and that nothing is stored.
func wantUncached(t *testing.T, c *cache.Cache[string, string]) {
	t.Helper()
	ctx := t.Context()
	wantGet(t, c, "k", nil)
	wantState(t, c, "k", cache.Missing)
	if many, err := c.GetMany(ctx, []string{"j", "k", "m"}); err != nil || many["k"] != "" || many["j"] != "kept" {
		t.Errorf("GetMany: %v, %v", many, err)
	}
	var p collection.Pipeline
	got, entry := c.In(&p).Get("k"), c.In(&p).Entry("k")
	if err := p.Exec(ctx); err != nil {
		t.Errorf("a pipeline of reads: %v", err)
	}
	if found, err := got.Result(); err != nil || found.OK {
		t.Errorf("Get in a pipeline: %v, %v", found, err)
	}
	if e, err := entry.Result(); err != nil || e.State != cache.Missing {
		t.Errorf("Entry in a pipeline: %v, %v", e, err)
	}
	if ok, err := c.Touch(ctx, "k"); err != nil || ok {
		t.Errorf("Touch: %t, %v", ok, err)
	}
	runs := 0
	load := value("loaded", &runs)
	for range 2 {
		v, err := c.GetOrSet(ctx, "k", load)
		want(t, "GetOrSet", v, err, "loaded")
	}
	v, err := c.GetOrSet(ctx, "k", load, cache.NoStale())
	want(t, "GetOrSet with NoStale", v, err, "loaded")
	many, err := c.GetOrSetMany(ctx, []string{"j", "k"}, many(load))
	if err != nil || many["k"] != "loaded" || many["j"] != "kept" {
		t.Errorf("GetOrSetMany: %v, %v", many, err)
	}
	if runs != 4 {
		t.Errorf("%d loads, want one for each call", runs)
	}
}

// From a write on that Redis has not acknowledged, this process serves nothing of the key that
// Redis may still have, until a delete of the key is delivered.
func TestG2UndeliveredWrites(t *testing.T) {
	for method, write := range failedWrites {
		for mode, change := range map[string]cache.Config[string, string]{
			"": {}, "stale": {StaleFor: time.Hour, TTL: time.Minute}, "no leases": {Lease: cache.Off},
		} {
			t.Run(method+" "+mode, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					var r recorder
					deliveries := recordDeliveries(&change, &r)
					c := open(t, env.Client, change)
					mustSet(t, c, map[string]string{"j": "kept", "k": "old", "l": "old"})
					if mode == "stale" {
						env.Mini.FastForward(90 * time.Second) // k is stale
						mustSet(t, c, map[string]string{"j": "kept"})
					}
					refuse := refuseWrites(env)
					if err := write(t.Context(), c); !errors.Is(err, cache.ErrRedis) {
						t.Fatalf("%s: %v", method, err)
					}
					wantUncached(t, c)
					if s := c.Stats(); s.Undelivered == 0 || s.Delivered != 0 {
						t.Errorf("Stats = %+v", s)
					}
					time.Sleep(time.Minute)
					wantUncached(t, c)
					if !env.Mini.Exists(c.RedisKey("k")) {
						t.Error("Redis has lost the value: the test shows nothing")
					}
					refuse.Store(false)
					time.Sleep(10 * time.Second)
					if env.Mini.Exists(c.RedisKey("k")) {
						t.Error("no delete was delivered")
					}
					runs := 0
					for range 2 {
						v, err := c.GetOrSet(t.Context(), "k", value("fresh", &runs))
						want(t, "GetOrSet once it is delivered", v, err, "fresh")
					}
					if runs != 1 {
						t.Errorf("%d loads once it is delivered, want 1", runs)
					}
					if mode != "stale" { // by now it is, and was refreshed
						wantGet(t, c, "j", &[]string{"kept"}[0])
					}
					keys := slices.Sorted(maps.Keys(deliveries()))
					s := c.Stats()
					if s.Undelivered != 0 || s.Delivered != uint64(len(keys)) || s.DeliveryGivenUp != 0 {
						t.Errorf("Stats = %+v", s)
					}
					if wants := map[bool]int{true: 2, false: 1}[strings.Contains(method, "any")]; len(keys) != wants {
						t.Errorf("the observer was told of %q", keys)
					}
				})
			})
		}
	}
}

// Where control keys are refused the values are deleted without. A Delete that has done as much is
// not followed by another one.
func TestG2UndeliveredWithoutControlKeys(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		mustSet(t, c, map[string]string{"k": "old", "l": "old"})
		var refuse atomic.Bool
		env.Mini.Server().SetPreHook(func(peer *server.Peer, command string, args ...string) bool {
			names := func(arg string) bool { return strings.HasPrefix(arg, "aside:") }
			switch writes := strings.HasPrefix(command, "EVAL") || command == "UNLINK"; {
			case refuse.Load() && writes:
				peer.WriteError("MISCONF Redis is configured to save RDB snapshots")
			case slices.ContainsFunc(args, names):
				peer.WriteError("NOPERM No permissions to access a key")
			default:
				return false
			}
			return true
		})
		if err := c.Delete(t.Context(), "l"); err == nil || !strings.Contains(err.Error(), "ControlPrefix") {
			t.Errorf("Delete: %v", err)
		}
		if n := c.Stats().Undelivered; n != 0 || env.Mini.Exists(c.RedisKey("l")) {
			t.Errorf("%d undelivered, the value is there: %t", n, env.Mini.Exists(c.RedisKey("l")))
		}
		refuse.Store(true)
		if err := c.Delete(t.Context(), "k"); err == nil {
			t.Fatal("Delete")
		}
		wantGet(t, c, "k", nil)
		time.Sleep(time.Minute)
		wantGet(t, c, "k", nil)
		refuse.Store(false)
		time.Sleep(20 * time.Second) // control keys are asked for every ten
		if s := c.Stats(); s.Undelivered != 0 || s.Delivered != 1 || env.Mini.Exists(c.RedisKey("k")) {
			t.Errorf("the value is there: %t, Stats = %+v", env.Mini.Exists(c.RedisKey("k")), s)
		}
	})
}

func mustSet(t *testing.T, c *cache.Cache[string, string], values map[string]string) {
	t.Helper()
	if err := c.SetMany(t.Context(), values); err != nil {
		t.Fatal(err)
	}
}

// A later write of this process makes up for one that has failed, and what it stores stays.
func TestG2LaterWriteMakesUp(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		cfg := cache.Config[string, string]{}
		deliveries := recordDeliveries(&cfg, &r)
		c := open(t, env.Client, cfg)
		mustSet(t, c, map[string]string{"k": "old"})
		refuse := refuseWrites(env)
		if err := c.Set(t.Context(), "k", "new"); err == nil {
			t.Fatal("Set")
		}
		refuse.Store(false)
		if err := c.Set(t.Context(), "k", "new"); err != nil {
			t.Fatal(err)
		}
		wantGet(t, c, "k", &[]string{"new"}[0])
		time.Sleep(time.Minute)
		wantGet(t, c, "k", &[]string{"new"}[0])
		if told := deliveries(); len(told) != 1 || c.Stats().Undelivered != 0 || c.Stats().Delivered != 1 {
			t.Errorf("told %v, Stats = %+v", told, c.Stats())
		}
	})
}

// The other caches of the key on the client, of other versions as well, treat it as not cached.
func TestG2UndeliveredToAllCachesOfTheKey(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		a := open(t, env.Client, cache.Config[string, string]{Name: "n"})
		b := open(t, env.Client, cache.Config[string, string]{Name: "n"})
		next := open(t, env.Client, cache.Config[string, string]{Name: "n", Version: 1})
		mustSet(t, a, map[string]string{"k": "old"})
		env.Mini.Set(next.RedisKey("k"), "old")
		refuse := refuseWrites(env)
		if err := a.Delete(t.Context(), "k"); err == nil {
			t.Fatal("Delete")
		}
		wantGet(t, b, "k", nil)
		wantGet(t, next, "k", nil)
		_ = a.Close() // the others go on
		refuse.Store(false)
		time.Sleep(10 * time.Second)
		if env.Mini.Exists(b.RedisKey("k")) || env.Mini.Exists(next.RedisKey("k")) {
			t.Error("not all was deleted")
		}
	})
}

// Another process may write the key meanwhile: no call gets a load that began before it.
func TestG2UndeliveredLoadsAreNoOlderThanTheirCalls(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		mustSet(t, c, map[string]string{"k": "old"})
		refuseWrites(env)
		if err := c.Delete(t.Context(), "k"); err == nil {
			t.Fatal("Delete")
		}
		var source atomic.Value
		source.Store("old")
		load := func(context.Context, string) (string, error) {
			v := source.Load().(string)
			time.Sleep(time.Second)
			return v, nil
		}
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() { _, _ = c.GetOrSet(t.Context(), "k", load) })
		}
		time.Sleep(100 * time.Millisecond)
		source.Store("new")
		for range 10 {
			calls.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", load)
				want(t, "GetOrSet", v, err, "new")
			})
		}
		calls.Wait()
		if n := c.Stats().Loads; n != 2 && n != 3 {
			t.Errorf("%d loads, want one after the other", n)
		}
	})
}

// With Fail nothing is loaded for a key that Redis may have an old value of.
func TestG2UndeliveredAndFail(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		o := r.observer()
		c := open(t, env.Client, cache.Config[string, string]{OnRedisError: cache.Fail, Observer: o})
		mustSet(t, c, map[string]string{"k": "old"})
		refuseWrites(env)
		if err := c.Delete(t.Context(), "k"); err == nil {
			t.Fatal("Delete")
		}
		wantGet(t, c, "k", nil)
		r.take()
		for range 10 {
			_, err := c.GetOrSet(t.Context(), "k", never[string](t))
			if !errors.Is(err, cache.ErrRedis) || !strings.Contains(err.Error(), "has not acknowledged a write") {
				t.Errorf("GetOrSet: %v", err)
			}
		}
		if told := len(r.take().errors); told > 1 {
			t.Errorf("the observer was told of %d errors", told)
		}
	})
}

// Fields of a hash are not served either.
func TestG2UndeliveredFields(t *testing.T) {
	type user struct {
		Name string `redis:"name"`
	}
	users := hashmap.MustOf[user]()
	name := cache.Must(hashmap.FieldOf[string](users, "name"))
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, user]{Codec: users})
		if err := c.Set(t.Context(), "k", user{"old"}); err != nil {
			t.Fatal(err)
		}
		refuseWrites(env)
		if err := c.Delete(t.Context(), "k"); err == nil {
			t.Fatal("Delete")
		}
		var n string
		if ok, err := c.GetFields(t.Context(), "k", nil, name.Into(&n)); ok || err != nil {
			t.Errorf("GetFields: %t, %v", ok, err)
		}
		ok, err := c.GetFields(t.Context(), "k", value(user{"new"}, new(int)), name.Into(&n))
		if !ok || err != nil || n != "new" {
			t.Errorf("GetFields: %t, %v, %q", ok, err, n)
		}
	})
}
