package cache_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// staleConfig keeps values for a minute, and as long beyond that.
func staleConfig() config {
	return config{TTL: time.Minute, StaleFor: time.Minute, Jitter: -1}
}

// versions is a source whose value is another one each time it is loaded, after a second.
type versions struct {
	loads atomic.Int64
	err   atomic.Pointer[error]
}

func (v *versions) fail(err error) { v.err.Store(&err) }

func (v *versions) load(ctx context.Context, _ string) (string, error) {
	n := v.loads.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := v.err.Load(); err != nil && *err != nil {
		return "", *err
	}
	return fmt.Sprint("v", n), nil
}

func (v *versions) want(t *testing.T, n int64) {
	t.Helper()
	if got := v.loads.Load(); got != n {
		t.Errorf("%d loads, want %d", got, n)
	}
}

// A stale value is the answer at once, while one load in the background replaces it, which
// outlives the call that began it.
func TestStaleValueIsServedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		cfg := staleConfig()
		cfg.Observer = r.observer()
		c, other := open(t, env.Client, cfg), open(t, env.Client, staleConfig())
		var source versions
		v, err := c.GetOrSet(t.Context(), "k", source.load)
		want(t, "the first load", v, err, "v1")
		time.Sleep(time.Minute + time.Second)
		r.take()

		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		var kept atomic.Value
		began := time.Now()
		v, err = c.GetOrSet(ctx, "k", func(ctx context.Context, k string) (string, error) {
			kept.Store(ctx.Value(key{}))
			return source.load(ctx, k)
		})
		cancel()
		want(t, "a stale value", v, err, "v1")
		synctest.Wait() // it has the lease
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		for range 100 {
			v, err = c.GetOrSet(t.Context(), "k", source.load)
			want(t, "while it is refreshed", v, err, "v1")
			v, err = other.GetOrSet(t.Context(), "k", source.load)
			want(t, "while another process refreshes it", v, err, "v1")
		}
		e := wantState(t, c, "k", cache.Stale)
		if e.Value != "v1" || e.TTL > 59*time.Second || e.TTL < 58*time.Second {
			t.Errorf("Entry = %+v, want v1 for about a minute less a second", e)
		}
		time.Sleep(2 * time.Second)
		source.want(t, 2)
		v, err = c.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "after the refresh", v, err, "v2")
		if kept.Load() != "kept" {
			t.Error("the loader's context lacks the values of the call")
		}
		all := r.take()
		if len(all.errors) > 0 {
			t.Errorf("errors: %v", all.errors)
		}
		if e := all.lookups[0]; e.State != cache.Stale {
			t.Errorf("the lookup's event is %+v", e)
		}
		if len(all.loads) != 1 || !all.loads[0].Background || all.loads[0].Outcome != cache.LoadOK {
			t.Errorf("load events: %+v", all.loads)
		}
		s := c.Stats()
		if s.StaleHits != 102 || s.Hits != 103 || s.Misses != 1 || s.Refreshes != 1 || s.Loads != 2 {
			t.Errorf("stats: %+v", s)
		}
	})
}

// Everything that stores gives Redis TTL and StaleFor.
func TestStaleForIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		ctx := t.Context()
		cfg := staleConfig()
		cfg.AbsentTTL = 10 * time.Second
		c := open(t, env.Client, cfg)
		large := make([]byte, 64<<10)
		runs := 0
		for name, store := range map[string]func() error{
			"Set":         func() error { return c.Set(ctx, "k", "v") },
			"Set large":   func() error { return c.Set(ctx, "k", string(large)) },
			"SetMany":     func() error { return c.SetMany(ctx, map[string]string{"k": "v", "l": "w"}) },
			"SetIfAbsent": func() error { _, err := c.SetIfAbsent(ctx, "k", "v"); return err },
			"GetOrSet":    func() error { _, err := c.GetOrSet(ctx, "k", value("v", &runs)); return err },
			"large load":  func() error { _, err := c.GetOrSet(ctx, "k", value(string(large), &runs)); return err },
			"Refresh":     func() error { _, err := c.Refresh(ctx, "k", value("v", &runs)); return err },
			"Touch": func() error {
				if err := c.Set(ctx, "k", "v", cache.TTL(time.Second)); err != nil {
					return err
				}
				_, err := c.Touch(ctx, "k")
				return err
			},
		} {
			env.FlushAll(t)
			if err := store(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if ttl := env.Mini.TTL(c.RedisKey("k")); ttl != 2*time.Minute {
				t.Errorf("%s: Redis keeps the value for %v, want 2m", name, ttl)
			}
			if e := wantState(t, c, "k", cache.Present); e.TTL != time.Minute {
				t.Errorf("%s: Entry says %v, want 1m", name, e.TTL)
			}
		}
		if err := c.Set(ctx, "k", "v", cache.TTL(cache.Forever)); err != nil {
			t.Error(err)
		}
		if e := wantState(t, c, "k", cache.Present); e.TTL != cache.Forever {
			t.Errorf("of a value without end Entry says %v", e.TTL)
		}
		if err := c.SetAbsent(ctx, "k"); err != nil {
			t.Error(err)
		}
		if ttl := env.Mini.TTL(control(c.RedisKey("k"))); ttl != 70*time.Second {
			t.Errorf("Redis keeps the absence for %v, want 1m10s", ttl)
		}
		if e := wantState(t, c, "k", cache.Absent); e.TTL != 10*time.Second {
			t.Errorf("of the absence Entry says %v, want 10s", e.TTL)
		}
	})
}

// A write during a refresh wins, by whatever process; and what was deleted is not brought back.
func TestWriteBeatsARefreshInTheBackground(t *testing.T) {
	for _, lease := range []time.Duration{0, cache.Off} {
		for name, write := range map[string]func(ctx context.Context, c *cache.Cache[string, string]) error{
			"Set":    func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Set(ctx, "k", "new") },
			"Delete": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Delete(ctx, "k") },
			"SetAbsent": func(ctx context.Context, c *cache.Cache[string, string]) error {
				return c.SetAbsent(ctx, "k")
			},
		} {
			for _, elsewhere := range []bool{false, true} {
				if elsewhere && lease == cache.Off {
					continue // which promises nothing of other processes
				}
				t.Run(fmt.Sprintf("%s elsewhere %v lease %v", name, elsewhere, lease), func(t *testing.T) {
					bubble(t, func(t *testing.T, env *redistest.Env) {
						cfg := staleConfig()
						cfg.Lease = lease
						c := open(t, env.Client, cfg)
						writer := c
						if elsewhere {
							writer = open(t, env.Client, cfg)
						}
						var source versions
						_, _ = c.GetOrSet(t.Context(), "k", source.load)
						time.Sleep(61 * time.Second)
						v, err := c.GetOrSet(t.Context(), "k", source.load)
						want(t, "stale", v, err, "v1")
						time.Sleep(500 * time.Millisecond)
						source.want(t, 2)
						if err := write(t.Context(), writer); err != nil {
							t.Fatal(err)
						}
						for range 20 {
							time.Sleep(100 * time.Millisecond)
							switch v, ok, err := c.Get(t.Context(), "k"); {
							case err != nil:
								t.Fatal(err)
							case name == "Set" && v != "new", name != "Set" && ok:
								t.Fatalf("Get = %q, %v after the write", v, ok)
							}
						}
						if n := c.Stats().Fenced; n != 1 {
							t.Errorf("%d results were fenced, want 1", n)
						}
					})
				})
			}
		}
	}
}

// An absence is stale after its TTL as a value is: the answer at once, while it is loaded anew.
func TestStaleAbsence(t *testing.T) {
	for _, lease := range []time.Duration{0, cache.Off} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			cfg := staleConfig()
			cfg.AbsentTTL, cfg.Lease = time.Minute, lease
			c, other := open(t, env.Client, cfg), open(t, env.Client, cfg)
			var source versions
			load := failing[string](cache.ErrNotFound)
			v, err := c.GetOrSet(t.Context(), "k", load)
			wantError(t, "the first load", v, err, cache.ErrNotFound)
			v, err = c.GetOrSet(t.Context(), "k", never[string](t))
			wantError(t, "a fresh absence", v, err, cache.ErrNotFound)
			time.Sleep(61 * time.Second)
			if e := wantState(t, c, "k", cache.Absent); e.TTL != 0 {
				t.Errorf("Entry says %v of a stale absence, want 0", e.TTL)
			}
			for range 10 {
				v, err = c.GetOrSet(t.Context(), "k", source.load)
				wantError(t, "a stale absence", v, err, cache.ErrNotFound)
				if lease != cache.Off {
					v, err = other.GetOrSet(t.Context(), "k", source.load)
					wantError(t, "elsewhere", v, err, cache.ErrNotFound)
				}
			}
			synctest.Wait()
			source.want(t, 1)
			time.Sleep(2 * time.Second)
			v, err = other.GetOrSet(t.Context(), "k", never[string](t))
			want(t, "after the refresh", v, err, "v1")
		})
	}
}

// A batch serves what is stale at once, and refreshes all of it by one call of its loader.
func TestBatchRefreshesByOneCall(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		cfg := staleConfig()
		cfg.Observer, cfg.AbsentTTL = r.observer(), time.Minute
		c := open(t, env.Client, cfg)
		ctx := t.Context()
		if err := c.SetMany(ctx, map[string]string{"a": "1", "b": "1", "c": "1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		if err := c.Set(ctx, "fresh", "1"); err != nil {
			t.Fatal(err)
		}
		var calls [][]string
		var mu sync.Mutex
		load := func(_ context.Context, keys []string) (map[string]string, error) {
			mu.Lock()
			calls = append(calls, keys)
			mu.Unlock()
			time.Sleep(time.Second)
			found := make(map[string]string)
			for _, k := range keys {
				found[k] = "2"
			}
			return found, nil
		}
		for range 3 {
			got, err := c.GetOrSetMany(ctx, []string{"a", "fresh", "b", "c"}, load)
			if err != nil || fmt.Sprint(got) != "map[a:1 b:1 c:1 fresh:1]" {
				t.Errorf("GetOrSetMany = %v, %v", got, err)
			}
		}
		time.Sleep(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if fmt.Sprint(calls) != "[[a b c]]" {
			t.Errorf("calls of the loader: %v", calls)
		}
		got, err := c.GetMany(ctx, []string{"a", "fresh", "b", "c"})
		if err != nil || fmt.Sprint(got) != "map[a:2 b:2 c:2 fresh:1]" {
			t.Errorf("GetMany = %v, %v", got, err)
		}
		if loads := r.take().loads; len(loads) != 1 || len(loads[0].Keys) != 3 || !loads[0].Background {
			t.Errorf("load events: %+v", loads)
		}
	})
}

// A deploy that switches StaleFor on meets entries that turn stale too early, and refreshes them;
// one that switches it off serves what is kept for so long as if it was fresh.
func TestStaleForChanges(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		with, without := open(t, env.Client, staleConfig()), open(t, env.Client, config{TTL: time.Minute, Jitter: -1})
		ctx := t.Context()
		if err := without.Set(ctx, "k", "old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		var source versions
		v, err := with.GetOrSet(ctx, "k", source.load)
		want(t, "switched on", v, err, "old")
		time.Sleep(2 * time.Second)
		v, err = with.GetOrSet(ctx, "k", never[string](t))
		want(t, "once refreshed", v, err, "v1")
		wantState(t, with, "k", cache.Present)
		time.Sleep(90 * time.Second)
		v, err = without.GetOrSet(ctx, "k", never[string](t))
		want(t, "switched off", v, err, "v1")
		time.Sleep(30 * time.Second)
		wantState(t, without, "k", cache.Missing)
	})
}
