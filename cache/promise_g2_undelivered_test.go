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
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
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

// A proxy, or a frozen server, may hold a Set that has failed, and have it carried out after later
// writes that were acknowledged. Deletes follow it then.
func TestG2LateWrite(t *testing.T) {
	for name, write := range map[string]func(ctx context.Context, c *cache.Cache[string, string]) error{
		"Delete": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Delete(ctx, "k") },
		"Set":    func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Set(ctx, "k", "new") },
		"none":   func(context.Context, *cache.Cache[string, string]) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			redistest.Each(t, func(t *testing.T, env *redistest.Env) {
				env.FlushAll(t)
				var network faultnet.Network
				c := open(t, env.NewClient(t, network.Through), cache.Config[string, string]{})
				hasty := open(t, env.NewClient(t, network.Through), cache.Config[string, string]{RedisTimeout: 100 * time.Millisecond})
				if err := hasty.Set(t.Context(), "k", "older"); err != nil { // connects
					t.Fatal(err)
				}
				network.Hold(true)
				if err := hasty.Set(t.Context(), "k", "old"); !errors.Is(err, cache.ErrRedis) {
					t.Fatalf("Set: %v", err)
				}
				network.Hold(false)
				if err := write(t.Context(), hasty); err != nil {
					t.Fatal(err)
				}
				until(t, "the first delete", func() bool { return hasty.Stats().Undelivered == 0 })
				if n := hasty.Stats().Unsettled; n != 1 {
					t.Errorf("%d keys are unsettled, want 1", n)
				}
				network.Release()
				until(t, "the late write", func() bool {
					v, _, err := c.Get(t.Context(), "k")
					return err == nil && v == "old"
				})
				until(t, "the delete after it", func() bool {
					_, ok, err := c.Get(t.Context(), "k")
					return err == nil && !ok
				})
			})
		})
	}
}

// until waits, in real time, for something that has to come.
func until(t *testing.T, what string, come func() bool) {
	t.Helper()
	for late := time.Now().Add(testcache.Timeout); !come(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%s does not come within %v", what, testcache.Timeout)
		}
	}
}

// The deletes that follow stop after half a minute, and what they remove is but loaded again.
func TestG2UnsettledEnds(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second})
		f.freeze()
		if err := c.Set(t.Context(), "k", "old"); err == nil {
			t.Fatal("Set of a frozen server")
		}
		f.thaw()
		if err := c.Set(t.Context(), "k", "new"); err != nil {
			t.Fatal(err)
		}
		var deletes []time.Duration
		began := time.Now()
		for time.Since(began) < 10*time.Minute {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
				deletes = append(deletes, time.Since(began).Round(100*time.Millisecond))
				return "new", nil
			})
			want(t, "GetOrSet", v, err, "new")
			time.Sleep(10 * time.Millisecond)
		}
		if want := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}; !slices.Equal(deletes, want) {
			t.Errorf("deleted after %v, want %v", deletes, want)
		}
		if s := c.Stats(); s.Unsettled != 0 || s.Undelivered != 0 || s.Delivered != 1 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// A load without a lease may be stored late as well, over a later Delete: deletes follow it.
func TestG2LateStoreWithoutALease(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		var slow atomic.Bool
		f.delay(func(command string) time.Duration {
			if slow.Load() && (strings.HasPrefix(command, "EVAL") || command == "SET" || command == "MULTI") {
				return 3 * time.Second
			}
			return 0
		}, nil)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second, Lease: cache.Off})
		for _, key := range []string{"j", "k"} {
			v, err := c.GetOrSet(t.Context(), key, value("old", new(int)))
			want(t, "GetOrSet", v, err, "old")
			slow.Store(key == "j") // by then the server knows the script
		}
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		wantGet(t, c, "k", nil)
		time.Sleep(3 * time.Second)
		wantGet(t, c, "k", &[]string{"old"}[0])
		time.Sleep(3 * time.Second)
		wantGet(t, c, "k", nil)
		time.Sleep(time.Minute)
		if s := c.Stats(); s.Unsettled != 0 || s.Undelivered != 0 || s.Delivered != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// A write that Redis has refused, or that was not sent, is not on its way, and a Delete that comes
// late does no harm.
func TestG2Settled(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second})
		f.freeze()
		if err := c.Delete(t.Context(), "k"); err == nil {
			t.Fatal("Delete of a frozen server")
		}
		f.thaw()
		time.Sleep(10 * time.Second)
		refuse := refuseWrites(env)
		if err := c.Set(t.Context(), "k", "v"); err == nil {
			t.Fatal("Set that is refused")
		}
		refuse.Store(false)
		time.Sleep(10 * time.Second)
		if s := c.Stats(); s.Unsettled != 0 || s.Undelivered != 0 || s.Delivered != 2 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// recordDeliveries returns the deliveries that an observer was told of, each of which it is told
// once.
func recordDeliveries(cfg *cache.Config[string, string], r *recorder) func() map[string]cache.DeliveryOutcome {
	var all []cache.DeliveryEvent
	cfg.Observer.Delivery = func(_ context.Context, e cache.DeliveryEvent) { record(r, &all, e) }
	return func() map[string]cache.DeliveryOutcome {
		r.mu.Lock()
		defer r.mu.Unlock()
		told := map[string]cache.DeliveryOutcome{}
		for _, e := range all {
			if _, twice := told[e.Key]; twice {
				told[e.Key+" twice"] = e.Outcome
			}
			told[e.Key] = e.Outcome
		}
		return told
	}
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

// A server that is away gets the delete when it is back, by any client.
func TestG9DeliveredAfterANight(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, end func()) {
		c := open(t, rdb, cache.Config[string, string]{TTL: cache.Forever})
		mustSet(t, c, map[string]string{"k": "old"})
		begin()
		for range 8 {
			if err := c.Set(t.Context(), "k", "new"); err == nil {
				t.Fatal("Set without Redis")
			}
		}
		began := time.Now()
		wantGet(t, c, "k", nil)
		if took := time.Since(began); took > 0 {
			t.Errorf("Get took %v", took)
		}
		time.Sleep(10 * time.Minute)
		end()
		wantGet(t, c, "k", nil)
		time.Sleep(3 * time.Second)
		if s := c.Stats(); s.Undelivered != 0 || s.Delivered != 1 {
			t.Errorf("Stats = %+v", s)
		}
		v, err := c.GetOrSet(t.Context(), "k", value("fresh", new(int)))
		want(t, "GetOrSet", v, err, "fresh")
		wantGet(t, c, "k", &[]string{"fresh"}[0])
	})
}

// When the longest TTL has passed, and an hour, Redis has nothing any more that was to be deleted.
func TestG9DeliveryGivenUp(t *testing.T) {
	for _, tt := range []struct{ ttl, option, want time.Duration }{
		{time.Minute, 0, time.Hour},
		{3 * time.Hour, 0, 3 * time.Hour},
		{time.Minute, 5 * time.Hour, 5 * time.Hour},
	} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			var r recorder
			cfg := cache.Config[string, string]{TTL: tt.ttl, Jitter: -1}
			deliveries := recordDeliveries(&cfg, &r)
			c := open(t, env.Client, cfg)
			if err := c.Set(t.Context(), "k", "old", cache.TTL(max(tt.option, tt.ttl))); err != nil {
				t.Fatal(err)
			}
			refuseWrites(env)
			if err := c.Delete(t.Context(), "k"); err == nil {
				t.Fatal("Delete")
			}
			time.Sleep(tt.want - time.Minute)
			if n := c.Stats().Undelivered; n != 1 {
				t.Errorf("%d are undelivered after %v, want 1", n, tt.want-time.Minute)
			}
			time.Sleep(2 * time.Minute)
			if s := c.Stats(); s.Undelivered != 0 || s.DeliveryGivenUp != 1 {
				t.Errorf("Stats after %v = %+v", tt.want+time.Minute, s)
			}
			if told := deliveries(); told[c.RedisKey("k")] != cache.DeliveryGivenUp {
				t.Errorf("the observer was told %v", told)
			}
		})
	}
}
