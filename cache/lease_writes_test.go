package cache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// go-redis sends an acquisition again after ReadTimeout; the first copy arrives late,
// after a Delete has revoked the lease, and grants the same token once more.
func TestLeaseLateCopyOfAcquire(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t, func(o *redis.UniversalOptions) { o.ReadTimeout = 100 * time.Millisecond }), cache.Config[string, string]{})
		another := open(t, env.Client, cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs)) // the server learns the scripts
		var sent atomic.Bool
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" && !sent.Swap(true) {
				return time.Second
			}
			return 0
		}, nil)
		v, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			if err := another.Delete(ctx, "k"); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Second)
			return "older", nil
		})
		want(t, "GetOrSet", v, err, "older")
		synctest.Wait()
		wantGet(t, another, "k", nil)
	})
}

// Redis fails the leader at its acquisition, and works again at once. Another process
// deletes during the load; a call that begins later, and whose own read Redis answers,
// gets the older value.
func TestLeaseLoadWithoutRedisIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		another := open(t, env.Client, cache.Config[string, string]{})
		release := make(chan struct{})
		f.refuse(true)
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
				<-release
				return "older", nil
			})
			want(t, "leader", v, err, "older")
		})
		time.Sleep(3 * time.Second)
		f.refuse(false)
		if err := another.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		go func() { time.Sleep(time.Second); close(release) }()
		v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { return "newer", nil })
		want(t, "GetOrSet after the Delete", v, err, "newer")
		wg.Wait()
	})
}

// A foreign SET with the TTL that the value had before, during a refresh.
func TestLeaseForeignSetWithTheSameTTL(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			t.Skip("a simulated server blurs the moments of expiry")
		}
		c := open(t, env.Client, cache.Config[string, string]{})
		lost := 0
		for range 50 {
			if err := env.Client.Set(t.Context(), olderKey, "first", time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			runs := 0
			_, _ = c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
				if runs++; runs > 1 {
					return "newer", nil
				}
				time.Sleep(5 * time.Millisecond)
				return "older", env.Client.Set(ctx, olderKey, "written", time.Hour).Err()
			})
			if got := env.Client.Get(t.Context(), olderKey).Val(); got == "older" {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("an older load was stored over a SET in %d of 50 refreshes", lost)
		}
	})
}

// The same in a family that does not expire.
func TestLeaseForeignSetForever(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{TTL: cache.Forever})
		if err := c.Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		runs := 0
		_, err := c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			if runs++; runs > 1 {
				return "newer", nil
			}
			return "older", env.Client.Set(ctx, olderKey, "written", 0).Err()
		})
		if got := env.Client.Get(t.Context(), olderKey).Val(); err != nil || got == "older" {
			t.Errorf("the key holds %q, %v", got, err)
		}
	})
}
