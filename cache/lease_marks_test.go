package cache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// Callers of a hot key that is known not to exist come all the time, a tenth of a
// round trip apart: none loads.
func TestLeaseHotAbsence(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		if err := c.SetAbsent(t.Context(), "k", cache.TTL(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for range 100 { // so that misses are not predicted
			_, _, _ = c.Get(t.Context(), "other")
		}
		f.slow(time.Millisecond)
		var loads, slow atomic.Int64
		var longest atomic.Int64
		var wg sync.WaitGroup
		const calls = 5000
		for range calls {
			wg.Go(func() {
				began := time.Now()
				_, _ = c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
					loads.Add(1)
					return "", cache.ErrNotFound
				})
				took := time.Since(began)
				if took > 3*time.Millisecond {
					slow.Add(1)
				}
				if int64(took) > longest.Load() {
					longest.Store(int64(took))
				}
			})
			time.Sleep(100 * time.Microsecond)
		}
		wg.Wait()
		if n := loads.Load(); n > 0 {
			t.Errorf("%d loads in %d calls of a key that is known not to exist; %d calls took more than 3 round trips, the longest %v",
				n, calls, slow.Load(), time.Duration(longest.Load()))
		}
	})
}

// The same of an empty value.
func TestLeaseHotEmptyValue(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, map[string]string]{Codec: testcache.BigHash{}})
		if err := c.Set(t.Context(), "k", map[string]string{}); err != nil {
			t.Fatal(err)
		}
		_, _ = c.GetOrSet(t.Context(), "k", never[map[string]string](t))
		f.slow(time.Millisecond)
		var loads atomic.Int64
		var wg sync.WaitGroup
		for range 5000 {
			wg.Go(func() {
				_, _ = c.GetOrSet(t.Context(), "k", func(context.Context, string) (map[string]string, error) {
					loads.Add(1)
					return nil, nil
				})
			})
			time.Sleep(100 * time.Microsecond)
		}
		wg.Wait()
		if n := loads.Load(); n > 0 {
			t.Errorf("%d loads in 5000 calls of a key whose value is there and empty", n)
		}
	})
}

// Close comes while the store of a refresh is under way, which is refused: no load
// begins any more.
func TestLeaseCloseDuringTheStoreOfARefresh(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c, err := cache.New(f.client(t), cache.Config[string, string]{Name: "test", TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		n := 0
		go func() {
			_, _ = c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
				if n++; n > 1 {
					t.Error("a load began after Close")
					<-ctx.Done()
					return "", ctx.Err()
				}
				f.delay(func(command string) time.Duration {
					if command == "EVALSHA" {
						return 100 * time.Millisecond
					}
					return 0
				}, nil)
				return "v", env.Client.Set(ctx, olderKey, "written", time.Minute).Err()
			})
		}()
		synctest.Wait()
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		_ = c.Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Close took %v", took)
		}
	})
}
