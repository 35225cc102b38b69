package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// member returns the only cache of a registry.
func member(t testing.TB, r *cache.Registry) cache.Member {
	t.Helper()
	all := r.Caches()
	if len(all) != 1 {
		t.Fatalf("%d caches", len(all))
	}
	return all[0]
}

// Loads are told while they are under way, with what they do.
func TestMemberLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r cache.Registry
		c := open(t, env.Client, cache.Config[string, string]{Registry: &r, MaxLoads: 2, Lease: time.Minute, LoadTimeout: time.Hour})
		other := open(t, env.Client, cache.Config[string, string]{Lease: time.Minute, LoadTimeout: time.Hour})
		m := member(t, &r)
		if loads := m.Loads(); len(loads) != 0 {
			t.Errorf("%+v", loads)
		}
		end := make(chan struct{})
		slow := func(ctx context.Context, _ string) (string, error) {
			<-end
			return "v", nil
		}
		get := func(c *cache.Cache[string, string], key string, timeout time.Duration) {
			go func() {
				ctx, cancel := context.WithTimeout(background, timeout)
				defer cancel()
				_, _ = c.GetOrSet(ctx, key, slow)
			}()
			time.Sleep(time.Second)
			synctest.Wait()
		}
		get(other, "elsewhere", time.Hour)
		get(c, "elsewhere", time.Hour)
		get(c, "a", time.Hour)
		get(c, "a", time.Hour)
		get(c, "left", 100*time.Millisecond)
		get(c, "queued", time.Hour)
		want := []cache.RunningLoad{
			{Key: "test:elsewhere", Phase: cache.LoadAwaiting, Age: 5 * time.Second, Waiting: 1, Callers: 1},
			{Key: "test:a", Phase: cache.LoadRunning, Age: 4 * time.Second, Waiting: 2, Callers: 2},
			{Key: "test:left", Phase: cache.LoadAbandoned, Age: 2 * time.Second, Callers: 1},
			{Key: "test:queued", Phase: cache.LoadQueued, Age: time.Second, Waiting: 1, Callers: 1},
		}
		loads := m.Loads()
		for i, l := range loads {
			if i >= len(want) || l != want[i] {
				t.Errorf("%+v, want %+v", l, want[min(i, len(want)-1)])
			}
			if strings.Contains(l.Phase.String(), "(") {
				t.Errorf("%v has no name", l.Phase)
			}
		}
		if len(loads) != len(want) {
			t.Errorf("%d loads, want %d", len(loads), len(want))
		}
		close(end)
		synctest.Wait()
		time.Sleep(time.Second)
		if loads := m.Loads(); len(loads) != 0 {
			t.Errorf("at the end: %+v", loads)
		}
	})
}

// Delete by a Redis key is Cache.Delete: it ends leases and near entries, and fences loads.
func TestMemberDelete(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		for _, version := range []int{0, 2} {
			var r cache.Registry
			var events recorder
			c := open(t, env.Client, cache.Config[string, string]{
				Name: "user", Version: version, Registry: &r, Near: ttlOnly, Observer: events.observer(),
			})
			m := member(t, &r)
			stored(t, c, "k", "v")
			wantSource(t, c, "k", cache.Near, cache.Present)
			key := m.RedisKey("k")
			if key != c.RedisKey("k") || m.RedisKey("user:k") != key || m.RedisKey(key) != key {
				t.Errorf("the key is %q, want %q", key, c.RedisKey("k"))
			}
			if !m.IsNear(key) || m.IsNear("user:other") {
				t.Error("it is not known what is near")
			}
			events.take()
			if err := m.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if m.IsNear(key) {
				t.Error("it is still near")
			}
			wantSource(t, c, "k", cache.Redis, cache.Missing)
			if w := events.take().writes; len(w) != 1 || w[0].Op != cache.OpDelete || w[0].Key != key || w[0].Outcome != cache.WriteOK {
				t.Errorf("told of %+v", w)
			}
			loader := func(context.Context, string) (string, error) {
				return "old", m.Delete(background, key)
			}
			if v, err := c.GetOrSet(t.Context(), "k", loader); v != "old" || err != nil {
				t.Errorf("%q, %v", v, err)
			}
			wantSource(t, c, "k", cache.Redis, cache.Missing)
			for _, foreign := range []string{"", "other:k", "user", "aside:{user:k}"} {
				if err := m.Delete(t.Context(), foreign); err == nil || !strings.Contains(err.Error(), "no key of this cache") {
					t.Errorf("Delete of %q returns %v", foreign, err)
				}
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := m.Delete(t.Context(), key); !errors.Is(err, cache.ErrClosed) {
				t.Errorf("Delete of a closed cache returns %v", err)
			}
			if m.IsNear(key) || len(m.Loads()) != 0 || m.ControlPrefix() != "aside:" || m.Client() != env.Client {
				t.Error("a closed cache is not usable")
			}
		}
	})
}
