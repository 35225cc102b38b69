package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// What is gone when the refresh begins is not loaded: nobody has asked for it.
func TestRefreshOfWhatIsGone(t *testing.T) {
	for _, lease := range []time.Duration{0, cache.Off} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			var source versions
			cfg := staleConfig()
			cfg.Lease = lease
			other := open(t, env.Client, cfg)
			cfg.Observer.Lookup = func(ctx context.Context, e cache.LookupEvent) {
				if e.State == cache.Stale { // and the refresh has not begun
					if err := other.Delete(ctx, "k"); err != nil {
						t.Error(err)
					}
				}
			}
			c := open(t, env.Client, cfg)
			_, _ = c.GetOrSet(t.Context(), "k", source.load)
			time.Sleep(61 * time.Second)
			v, err := c.GetOrSet(t.Context(), "k", source.load)
			want(t, "stale", v, err, "v1")
			time.Sleep(10 * time.Second)
			source.want(t, 1)
			if keys := env.Mini.Keys(); len(keys) != 0 {
				t.Errorf("Redis holds %q", keys)
			}
		})
	}
}

// After a refresh that has failed the key is left alone for a while, the longer the more have
// failed, and the stale value goes on being served.
func TestRefreshBacksOff(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := staleConfig()
		cfg.StaleFor = time.Hour
		c := open(t, env.Client, cfg)
		var source versions
		_, _ = c.GetOrSet(t.Context(), "k", source.load)
		time.Sleep(time.Minute)
		source.fail(errors.New("down"))
		began := time.Now()
		var at []time.Duration
		for time.Since(began) < 3*time.Minute {
			n := source.loads.Load()
			v, err := c.GetOrSet(t.Context(), "k", source.load)
			want(t, "stale", v, err, "v1")
			synctest.Wait()
			if source.loads.Load() > n {
				at = append(at, time.Since(began).Round(time.Second))
			}
			time.Sleep(100 * time.Millisecond)
		}
		// Each load takes a second, and then 1, 2, 4, 8, 16, 30, 30 s pass.
		wanted := []time.Duration{0, 2, 5, 10, 19, 36, 67, 98, 129, 160}
		for i := range wanted {
			wanted[i] *= time.Second
		}
		if fmt.Sprint(at) != fmt.Sprint(wanted) {
			t.Errorf("refreshes began after %v, want %v", at, wanted)
		}
		source.fail(nil)
		time.Sleep(30 * time.Second)
		_, _ = c.GetOrSet(t.Context(), "k", source.load)
		time.Sleep(2 * time.Second)
		if e := wantState(t, c, "k", cache.Present); e.Value == "v1" {
			t.Error("it was not refreshed when the source came back")
		}
	})
}

// The panic of a loader in the background ends nothing but that load, and the observer hears.
func TestRefreshThatPanics(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		cfg := staleConfig()
		cfg.Observer, cfg.MaxLoads = r.observer(), 1
		c := open(t, env.Client, cfg)
		var source versions
		_, _ = c.GetOrSet(t.Context(), "k", source.load)
		time.Sleep(61 * time.Second)
		v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { panic("down") })
		want(t, "stale", v, err, "v1")
		time.Sleep(5 * time.Second)
		all := r.take()
		if len(all.errors) != 1 || !errors.Is(all.errors[0], cache.ErrPanic) {
			t.Errorf("errors: %v", all.errors)
		}
		v, err = c.GetOrSet(t.Context(), "k", source.load) // has a place, and the lease
		want(t, "stale", v, err, "v1")
		time.Sleep(2 * time.Second)
		v, err = c.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "refreshed", v, err, "v2")
	})
}

// Refreshes are at most MaxLoads at once, and do not wait for a place.
func TestRefreshesUnderMaxLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := staleConfig()
		cfg.MaxLoads = 2
		c := open(t, env.Client, cfg)
		keys := []string{"a", "b", "c", "d"}
		for _, k := range keys {
			if err := c.Set(t.Context(), k, "old"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(61 * time.Second)
		var source versions
		read := func() {
			for _, k := range keys {
				_, err := c.GetOrSet(t.Context(), k, source.load)
				if err != nil {
					t.Error(err)
				}
			}
			synctest.Wait()
		}
		for range 5 {
			read()
		}
		source.want(t, 2)
		time.Sleep(2 * time.Second)
		source.want(t, 2) // nothing has waited
		read()
		source.want(t, 4)
		time.Sleep(2 * time.Second)
	})
}

// NoStale waits for a load in place of a stale value; and has that when the load fails.
func TestNoStale(t *testing.T) {
	for _, lease := range []time.Duration{0, cache.Off} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			var r recorder
			cfg := staleConfig()
			cfg.Lease, cfg.Observer = lease, r.observer()
			c := open(t, env.Client, cfg)
			ctx := t.Context()
			var source versions
			_, _ = c.GetOrSet(ctx, "k", source.load)
			v, err := c.GetOrSet(ctx, "k", never[string](t), cache.NoStale())
			want(t, "fresh", v, err, "v1")
			time.Sleep(61 * time.Second)
			if _, ok, err := c.Get(ctx, "k", cache.NoStale()); ok || err != nil {
				t.Errorf("Get: %v, %v", ok, err)
			}
			if e, err := c.Entry(ctx, "k", cache.NoStale()); e.State != cache.Missing || e.Value != "" || err != nil {
				t.Errorf("Entry: %+v, %v", e, err)
			}
			if m, err := c.GetMany(ctx, []string{"k"}, cache.NoStale()); len(m) != 0 || err != nil {
				t.Errorf("GetMany: %v, %v", m, err)
			}
			r.take()
			down := errors.New("down")
			source.fail(down)
			v, err = c.GetOrSet(ctx, "k", source.load, cache.NoStale())
			want(t, "when the load fails", v, err, "v1")
			all := r.take()
			if len(all.errors) != 1 || !errors.Is(all.errors[0], down) || !errors.Is(all.errors[0], cache.ErrStale) {
				t.Errorf("errors: %v", all.errors)
			}
			if n := c.Stats().StaleOnError; n != 1 {
				t.Errorf("StaleOnError = %d", n)
			}
			m, err := c.GetOrSetMany(ctx, []string{"k"}, func(context.Context, []string) (map[string]string, error) { return nil, down }, cache.NoStale())
			if m["k"] != "v1" || err != nil {
				t.Errorf("GetOrSetMany: %v, %v", m, err)
			}
			ended, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			if _, err := c.GetOrSet(ended, "k", source.load, cache.NoStale()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after its deadline: %v", err)
			}
			time.Sleep(2 * time.Second)
			source.fail(nil)
			n := source.loads.Load()
			v, err = c.GetOrSet(ctx, "k", source.load, cache.NoStale())
			want(t, "NoStale", v, err, fmt.Sprint("v", n+1))
		})
	}
}

// A call with NoStale waits for another process's refresh rather than take what that replaces.
func TestNoStaleWaitsForAnotherProcess(t *testing.T) {
	for _, absent := range []bool{false, true} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			cfg := staleConfig()
			cfg.AbsentTTL = time.Minute
			c, other := open(t, env.Client, cfg), open(t, env.Client, cfg)
			var source versions
			if absent {
				_ = c.SetAbsent(t.Context(), "k")
			} else {
				_ = c.Set(t.Context(), "k", "v0")
			}
			time.Sleep(61 * time.Second)
			_, _ = other.GetOrSet(t.Context(), "k", source.load)
			synctest.Wait()
			source.want(t, 1)
			v, err := c.GetOrSet(t.Context(), "k", source.load, cache.NoStale())
			want(t, "NoStale", v, err, "v1")
			source.want(t, 1)
		})
	}
}

// A stale value whose source has gone is an absence after the refresh.
func TestRefreshFindsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, staleConfig())
		_ = c.Set(t.Context(), "k", "v")
		time.Sleep(61 * time.Second)
		v, err := c.GetOrSet(t.Context(), "k", failing[string](cache.ErrNotFound))
		want(t, "stale", v, err, "v")
		synctest.Wait()
		wantState(t, c, "k", cache.Absent)
	})
}

// Close ends the refreshes that are under way, and gives their leases back.
func TestCloseEndsRefreshesInTheBackground(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, staleConfig())
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		var ended atomic.Bool
		v, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			ended.Store(true)
			return "", ctx.Err()
		})
		want(t, "stale", v, err, "v")
		synctest.Wait()
		began := time.Now()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if !ended.Load() || time.Since(began) > time.Second {
			t.Errorf("Close returned after %v, the loader has ended: %v", time.Since(began), ended.Load())
		}
		if keys := env.Mini.Keys(); len(keys) != 1 {
			t.Errorf("Redis holds %q", keys)
		}
	})
}

// A refresh has LoadTimeout, counts as a failure when that is over, and keeps the key from nobody
// even if its loader does not return.
func TestRefreshThatTakesTooLong(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := staleConfig()
		cfg.LoadTimeout, cfg.StaleFor = 5*time.Second, time.Hour
		c := open(t, env.Client, cfg)
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		release := make(chan struct{})
		v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
			<-release
			return "late", nil
		})
		want(t, "stale", v, err, "v")
		time.Sleep(5*time.Second + 500*time.Millisecond)
		var source versions
		v, err = c.GetOrSet(t.Context(), "k", source.load)
		want(t, "right after LoadTimeout", v, err, "v")
		source.want(t, 0)
		time.Sleep(time.Second)
		v, err = c.GetOrSet(t.Context(), "k", source.load)
		want(t, "after the back-off", v, err, "v")
		time.Sleep(2 * time.Second)
		close(release)
		time.Sleep(time.Second)
		v, err = c.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "refreshed", v, err, "v1")
	})
}

// So does one whose loader returns after LoadTimeout.
func TestRefreshThatIsLate(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := staleConfig()
		cfg.LoadTimeout, cfg.StaleFor = 5*time.Second, time.Hour
		c := open(t, env.Client, cfg)
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
			time.Sleep(20 * time.Second)
			return "late", nil
		})
		want(t, "stale", v, err, "v")
		time.Sleep(20*time.Second + 500*time.Millisecond)
		v, err = c.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "right after it", v, err, "v")
		time.Sleep(time.Second)
		var source versions
		v, err = c.GetOrSet(t.Context(), "k", source.load)
		want(t, "after the back-off", v, err, "v")
		time.Sleep(2 * time.Second)
		wantGet(t, c, "k", new("v1"))
	})
}
