package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A setting that a Config leaves zero is that of the registry; one that it has stays.
func TestRegistryDefaults(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var heard []string
		observer := func(who string) cache.Observer {
			return cache.Observer{Write: func(context.Context, cache.WriteEvent) { heard = append(heard, who) }}
		}
		r := &cache.Registry{Defaults: cache.Defaults{
			TTL: time.Minute, Jitter: -1, ControlPrefix: "tenant7:", StaleFor: time.Second, AbsentTTL: cache.Off, Observer: observer("registry"),
		}}
		first := cache.Must(cache.New(env.Client, cache.Config[string, string]{Name: "first", Registry: r}))
		second := cache.Must(cache.New(env.Client, cache.Config[string, string]{
			Name: "second", TTL: time.Hour, StaleFor: cache.Off, AbsentTTL: time.Second, ControlPrefix: "aside:", Observer: observer("cache"), Registry: r,
		}))
		for _, c := range []*cache.Cache[string, string]{first, second} {
			if err := c.Set(t.Context(), "k", "v"); err != nil {
				t.Fatal(err)
			}
			_, _ = c.GetOrSet(t.Context(), "none", failing[string](cache.ErrNotFound))
		}
		for key, wanted := range map[string]time.Duration{
			"first:k": time.Minute + time.Second, "second:k": time.Hour,
			"tenant7:{first:none}": -2, "aside:{second:none}": time.Second,
		} {
			if got := env.Client.PTTL(t.Context(), key).Val(); got != wanted {
				t.Errorf("the TTL of %s is %v, want %v", key, got, wanted)
			}
		}
		if got, wanted := strings.Join(heard, " "), "registry registry registry cache registry cache"; got != wanted {
			t.Errorf("the observers heard %q, want %q", got, wanted)
		}
		_, err := cache.New(env.Client, cache.Config[string, string]{Name: "none", Registry: new(cache.Registry)})
		if err == nil || !strings.Contains(err.Error(), "TTL") {
			t.Errorf("New without a TTL returned %v", err)
		}
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// names returns the names and versions of the caches of a registry.
func names(r *cache.Registry) string {
	var all []string
	for _, m := range r.Caches() {
		all = append(all, fmt.Sprintf("%s@%d", m.Name(), m.Version()))
	}
	return strings.Join(all, " ")
}

// A registry lists its caches until they are closed, and closes those that are left.
func TestRegistry(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r cache.Registry
		make := func(name string, version int) (*cache.Cache[string, string], error) {
			return cache.New(env.Client, cache.Config[string, string]{Name: name, Version: version, TTL: time.Hour, Registry: &r})
		}
		user2, order := cache.Must(make("user", 2)), cache.Must(make("order", 0))
		user1 := cache.Must(make("user", 1))
		if got := names(&r); got != "order@0 user@1 user@2" {
			t.Errorf("the caches are %s", got)
		}
		_, err := make("user@1", 0)
		if err == nil || names(&r) != "order@0 user@1 user@2" {
			t.Errorf("New of a wrong name returned %v, and the caches are %s", err, names(&r))
		}
		if _, err := order.GetOrSet(t.Context(), "k", value("v", new(int))); err != nil {
			t.Error(err)
		}
		if n := r.Caches()[0].Stats(); n.Loads != 1 {
			t.Errorf("the Stats of the cache with one load are %+v", n)
		}
		if err := r.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := r.Caches()[2].Check(t.Context()); err != nil {
			t.Error(err)
		}
		_ = user1.Close()
		if got := names(&r); got != "order@0 user@2" {
			t.Errorf("after Close of one the caches are %s", got)
		}
		if err := r.Shutdown(t.Context()); err != nil || names(&r) != "" {
			t.Errorf("Shutdown returned %v, and left %s", err, names(&r))
		}
		for _, c := range []*cache.Cache[string, string]{user1, user2, order} {
			if _, _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrClosed) {
				t.Errorf("a call after Shutdown returned %v", err)
			}
		}
		_, err = make("late", 0)
		if says := "Registry: its Shutdown was called"; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("New after Shutdown returned %v", err)
		}
	})
}

// Shutdown of a registry waits for all caches at one time, no longer than its context; each that
// has not ended is in its error, and none but those.
func TestRegistryShutdownDoesNotWaitForLoaders(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r cache.Registry
		var calls sync.WaitGroup
		for _, name := range []string{"slow", "idle", "late"} {
			c := cache.Must(cache.New(env.Client, cache.Config[string, string]{Name: name, TTL: time.Hour, Registry: &r}))
			if name != "idle" {
				hold(t, c, &calls)
			}
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := r.Shutdown(ctx)
		if took := time.Since(began); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown returned %v after %v", err, took)
		}
		for name, wanted := range map[string]bool{"Shutdown slow": true, "Shutdown idle": false, "Shutdown late": true} {
			if strings.Contains(err.Error(), name) != wanted {
				t.Errorf("the error says %q: want %s in it %v", err, name, wanted)
			}
		}
		if got := names(&r); got != "late@0 slow@0" {
			t.Errorf("the caches that have not ended are %s", got)
		}
		if err := r.Shutdown(background); err != nil || names(&r) != "" {
			t.Errorf("a second Shutdown returned %v, and left %s", err, names(&r))
		}
		calls.Wait()
	})
}

// What New refuses at the end is not left behind: the Name is free.
func TestRegistryRefusesLateCaches(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r cache.Registry
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := cache.New(env.Client, cache.Config[string, int]{Name: "user", TTL: time.Hour, Registry: &r}); err == nil {
			t.Error("a registry that is shut down took a cache")
		}
		open(t, env.Client, cache.Config[string, string]{Name: "user", TTL: time.Hour})
	})
}

// What a hook of a client panics with in a Check, the caller of Registry.Check does.
func TestRegistryCheckPanics(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		hook, rdb := &panicHook{}, env.NewClient(t)
		rdb.AddHook(hook)
		r := new(cache.Registry)
		c := cache.Must(cache.New(rdb, cache.Config[string, string]{Name: "user", TTL: time.Hour, Registry: r}))
		defer c.Close()
		_, _ = c.GetOrSet(t.Context(), "k", value("v", new(int))) // so that scripts are loaded
		for name, check := range map[string]func(context.Context) error{"Cache": c.Check, "Registry": r.Check} {
			hook.left.Store(1)
			func() {
				defer func() {
					if v := recover(); v != "hook" {
						t.Errorf("%s.Check panics with %v", name, v)
					}
				}()
				t.Errorf("%s.Check returned %v", name, check(t.Context()))
			}()
		}
	})
}
