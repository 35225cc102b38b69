package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/redistest"
)

// everywhere is one observer for all caches.
func everywhere(o cache.Observer) func(cache.Member) cache.Observer {
	return func(cache.Member) cache.Observer { return o }
}

// A registry's further observers hear of all its caches, those that come later included, after the
// caches' own, until they are stopped.
func TestRegistryObserve(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var heard []string
		observer := func(who string) cache.Observer {
			return cache.Observer{Write: func(_ context.Context, e cache.WriteEvent) { heard = append(heard, who+" "+e.Key) }}
		}
		var r cache.Registry
		make := func(name string) *cache.Cache[string, string] {
			return open(t, env.Client, cache.Config[string, string]{Name: name, Registry: &r, Observer: observer("own")})
		}
		wantHeard := func(wanted string) {
			t.Helper()
			if got := strings.Join(heard, ", "); got != wanted {
				t.Errorf("heard %q, want %q", got, wanted)
			}
			heard = nil
		}
		set := func(c *cache.Cache[string, string]) {
			t.Helper()
			if err := c.Set(t.Context(), "k", "v"); err != nil {
				t.Fatal(err)
			}
		}
		a := make("a")
		set(a)
		wantHeard("own a:k")
		stopFirst := r.Observe(everywhere(observer("first")))
		stopSecond := r.Observe(everywhere(observer("second")))
		b := make("b")
		set(a)
		set(b)
		wantHeard("own a:k, first a:k, second a:k, own b:k, first b:k, second b:k")
		stopFirst()
		set(a)
		wantHeard("own a:k, second a:k")
		stopSecond()
		stopSecond()
		set(b)
		wantHeard("own b:k")
	})
}

// Every event reaches an observer that has come after the caches, also those of the client and of
// its connections.
func TestRegistryObserveAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := cachetest.NewServer(t)
		var mu sync.Mutex
		heard := map[string]bool{}
		hear := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			heard[what] = true
		}
		var r cache.Registry
		c := open(t, server.Client(), cache.Config[string, string]{Registry: &r, Near: cache.NearConfig{MaxEntries: 10}})
		defer r.Observe(everywhere(cache.Observer{
			Lookup:   func(context.Context, cache.LookupEvent) { hear("lookup") },
			Load:     func(context.Context, cache.LoadEvent) { hear("load") },
			Write:    func(context.Context, cache.WriteEvent) { hear("write") },
			Error:    func(context.Context, *cache.Error) { hear("error") },
			Breaker:  func(context.Context, cache.BreakerEvent) { hear("breaker") },
			Delivery: func(context.Context, cache.DeliveryEvent) { hear("delivery") },
			Near:     func(context.Context, cache.NearEvent) { hear("near") },
			Hot:      func(context.Context, cache.HotEvent) { hear("hot") },
		}))()
		if _, err := c.GetOrSet(t.Context(), "k", value("v", new(int))); err != nil {
			t.Fatal(err)
		}
		readOften(t, c, "k", 3000)
		server.Down()
		for range 10 {
			_ = c.Delete(t.Context(), "k")
		}
		time.Sleep(10 * time.Second)
		server.Up()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for _, what := range []string{"lookup", "load", "write", "error", "breaker", "delivery", "near", "hot"} {
			if !heard[what] {
				t.Errorf("no %s was told of", what)
			}
		}
	})
}

// Observers come and go while caches work.
func TestRegistryObserveRace(t *testing.T) {
	env := redistest.Mini(t)
	var r cache.Registry
	c := open(t, env.Client, cache.Config[string, string]{Registry: &r})
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 100 {
				if _, err := c.GetOrSet(background, "k", value("v", new(int))); err != nil {
					t.Error(err)
				}
				stop := r.Observe(everywhere(cache.Observer{Lookup: func(context.Context, cache.LookupEvent) {}}))
				_, _, _ = c.Get(background, "k")
				made, err := cache.New(env.Client, cache.Config[string, string]{Name: "made", TTL: time.Hour, Registry: &r})
				if err != nil {
					t.Error(err)
					return
				}
				stop()
				_ = made.Close()
			}
		})
	}
	work.Wait()
}

// Each cache may have an observer of its own: those of one Name can be told apart.
func TestRegistryObserveEach(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r cache.Registry
		heard := map[cache.Member]string{}
		r.Observe(func(m cache.Member) cache.Observer {
			return cache.Observer{Write: func(_ context.Context, e cache.WriteEvent) { heard[m] += e.Key }}
		})
		for _, version := range []int{1, 2} {
			c := open(t, env.Client, cache.Config[string, string]{Version: version, Registry: &r})
			if err := c.Set(t.Context(), "k", "v"); err != nil {
				t.Fatal(err)
			}
		}
		for i, m := range r.Caches() {
			if want := []string{"test@1{test:k}", "test@2{test:k}"}[i]; heard[m] != want {
				t.Errorf("version %d heard %q, want %q", m.Version(), heard[m], want)
			}
		}
	})
}

// A panic of an observer that looks at a registry is told, and harms no call.
func TestRegistryObservePanic(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var told error
		var r cache.Registry
		c := open(t, env.Client, cache.Config[string, string]{Registry: &r, Observer: cache.Observer{
			Error: func(_ context.Context, err *cache.Error) { told = err },
		}})
		r.Observe(everywhere(cache.Observer{Write: func(context.Context, cache.WriteEvent) { panic("oh") }}))
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Error(err)
		}
		if !errors.Is(told, cache.ErrPanic) {
			t.Errorf("told of %v", told)
		}
	})
}
