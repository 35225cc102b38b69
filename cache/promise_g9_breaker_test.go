package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/redistest"
)

// nights are the ways in which a server is away, and comes back.
var nights = map[string]struct{ begin, end func(f *faults) }{
	"silent":  {(*faults).freeze, (*faults).thaw},
	"refused": {func(f *faults) { f.refuse(true) }, func(f *faults) { f.refuse(false) }},
}

// eachNight runs a test for each night, kind of client and policy.
func eachNight(
	t *testing.T, test func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, end func()),
) {
	for name, night := range nights {
		for mode, change := range modes {
			t.Run(name+"/"+mode, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					f := newFaults(t, env)
					rdb := f.client(t, change)
					if err := rdb.Ping(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
					test(t, f, rdb, func() { night.begin(f) }, func() { night.end(f) })
					f.refuse(false)
					f.thaw()
					time.Sleep(time.Hour) // go-redis dials on
				})
			})
		}
	}
}

// untilOpen calls a cache until its breaker is open.
func untilOpen(t *testing.T, c *cache.Cache[string, string]) {
	t.Helper()
	for range 10 {
		if c.Stats().Breaker == cache.BreakerOpen {
			return
		}
		if _, _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrRedis) {
			t.Fatalf("Get without Redis: %v", err)
		}
	}
	t.Fatal("the breaker does not open")
}

// After a run of failures no call waits for Redis, whatever it does: of any cache of the client.
func TestG9BreakerAnswersAtOnce(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, _ func()) {
		unlucky := open(t, rdb, cache.Config[string, string]{Name: "other"})
		policies := map[string]cache.FailurePolicy{"through": cache.LoadThrough, "fail": cache.Fail}
		caches := map[string]*cache.Cache[string, string]{}
		for name, policy := range policies {
			for method := range calls(nil, nil) { // where a write has failed, no read of the key asks Redis
				cfg := cache.Config[string, string]{Name: name + method, OnRedisError: policy}
				caches[name+method] = open(t, rdb, cfg)
			}
		}
		begin()
		untilOpen(t, unlucky)
		for name, policy := range policies {
			runs := 0
			for method := range calls(nil, nil) {
				c := caches[name+method]
				began := time.Now()
				err := calls(c, value("v", &runs))[method](t.Context())
				if took := time.Since(began); took > 0 {
					t.Errorf("%s with policy %v took %v", method, policy, took)
				}
				if loads(method) && policy == cache.LoadThrough {
					if err != nil {
						t.Errorf("%s: %v, want the loader's value", method, err)
					}
				} else if !errors.Is(err, cache.ErrRedis) ||
					!strings.Contains(err.Error(), "Redis") || !strings.Contains(err.Error(), "since 2000-01-01T") {
					t.Errorf("%s with policy %v: %v, want an ErrRedis that says since when", method, policy, err)
				}
				s := c.Stats()
				if s.Breaker != cache.BreakerOpen || s.BreakerOpened != 1 || s.NotAsked == 0 || s.NotAsked != s.RedisErrors {
					t.Errorf("Stats after %s = %+v", method, s)
				}
			}
			if (runs > 0) != (policy == cache.LoadThrough) {
				t.Errorf("%d loads with policy %v", runs, policy)
			}
		}
	})
}

// A caller's own context comes first.
func TestG9BreakerAndEndedContexts(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, _ func()) {
		c := open(t, rdb, cache.Config[string, string]{})
		begin()
		untilOpen(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for method, call := range calls(c, never[string](t)) {
			if err := call(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want Canceled", method, err)
			}
		}
	})
}

// The breaker closes within a second of the server's return, without a call, and each cache is
// told once of each change.
func TestG9BreakerCloses(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, end func()) {
		rec, other := cachetest.Record(), cachetest.Record()
		c := open(t, rdb, cache.Config[string, string]{Observer: rec.Observer()})
		_ = open(t, rdb, cache.Config[string, string]{
			Name: "other", Observer: cache.Join(cache.Observer{}, other.Observer()),
		})
		want(t, "Set", "", c.Set(t.Context(), "k", "v"), "")
		for range 3 {
			rec.Reset()
			other.Reset()
			began := time.Now()
			begin()
			untilOpen(t, c)
			for range 100 {
				if _, _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrRedis) {
					t.Errorf("Get without Redis: %v", err)
				}
			}
			time.Sleep(10 * time.Second)
			end()
			time.Sleep(time.Second)
			if s := c.Stats(); s.Breaker != cache.BreakerClosed {
				t.Errorf("the breaker is %v a second after the server's return", s.Breaker)
			}
			v := "v"
			wantGet(t, c, "k", &v)
			for name, r := range map[string]*cachetest.Recorder{"test": rec, "other": other} {
				wantChanges(t, name, began, r.Breakers())
			}
			// Five that were sent, and one for all that were not.
			if errs := rec.Errors(cache.ErrRedis); len(errs) > 6 {
				t.Errorf("the observer heard of %d failures", len(errs))
			}
		}
	})
}

func wantChanges(t *testing.T, name string, began time.Time, changes []cache.BreakerEvent) {
	t.Helper()
	if len(changes) != 2 || changes[0].State != cache.BreakerOpen || changes[1].State != cache.BreakerClosed ||
		changes[0].Err == nil || changes[1].Err != nil {
		t.Fatalf("%s was told %+v, want one that it opens, and one that it closes", name, changes)
	}
	for _, e := range changes {
		if e.Cache != name || e.Since.Before(began) || e.Since.After(began.Add(5*time.Second)) {
			t.Errorf("%+v", e)
		}
	}
}

// Loads are one per key and MaxLoads at once while the breaker is open as well.
func TestG9BreakerBoundsLoads(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, _ func()) {
		c := open(t, rdb, cache.Config[string, string]{MaxLoads: 3})
		begin()
		untilOpen(t, c)
		if most := loadMany(t, c); most != 3 {
			t.Errorf("%d loads at once, want MaxLoads", most)
		}
		if s := c.Stats(); s.Loads != 10 || s.Stores != 0 {
			t.Errorf("Stats = %+v, want 10 loads of 10 keys", s)
		}
	})
}

// Close while the breaker is open leaves nothing behind.
func TestG12NoProbeAfterClose(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, end func()) {
		c := open(t, rdb, cache.Config[string, string]{Observer: cachetest.Record().Observer()})
		begin()
		untilOpen(t, c)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		end() // a cluster client ends what was given up in its own time
		synctest.Wait()
		if left := ours(); len(left) > 0 {
			t.Errorf("%d goroutines are left after Close:\n%s", len(left), strings.Join(left, "\n\n"))
		}
	})
}

// An observer that panics, or writes, when the breaker changes harms nobody.
func TestG9BreakerObserver(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		var mu sync.Mutex
		var heard []string
		var c *cache.Cache[string, string]
		c = open(t, f.client(t), cache.Config[string, string]{Observer: cache.Observer{
			Error: func(_ context.Context, err *cache.Error) {
				if err.Kind == cache.ErrPanic {
					mu.Lock()
					defer mu.Unlock()
					heard = append(heard, err.Error())
				}
			},
			Breaker: func(ctx context.Context, e cache.BreakerEvent) {
				_ = c.Delete(ctx, "k")
				panic(fmt.Sprint(e.State))
			},
		}})
		f.refuse(true)
		untilOpen(t, c)
		f.refuse(false)
		time.Sleep(time.Second)
		want(t, "Set", "", c.Set(t.Context(), "k", "v"), "")
		mu.Lock()
		defer mu.Unlock()
		if len(heard) != 2 {
			t.Errorf("panics were told: %q", heard)
		}
	})
}
