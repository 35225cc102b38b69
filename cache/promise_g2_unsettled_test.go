package cache_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

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
				hasty := open(t, env.NewClient(t, network.Through), cache.Config[string, string]{RedisTimeout: time.Second})
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
