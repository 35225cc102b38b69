package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// panicHook panics in the n-th EVALSHA from when it is armed.
type panicHook struct {
	redis.Hook
	key  string // of these alone, if not empty, that name it
	left atomic.Int64
}

func (h *panicHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *panicHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (h *panicHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" && (h.key == "" || slices.Contains(cmd.Args(), any(h.key))) && h.left.Add(-1) == 0 {
			panic("hook")
		}
		return next(ctx, cmd)
	}
}

func get(c *cache.Cache[string, string], ctx context.Context, key string, load func(context.Context, string) (string, error)) (v string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		v, err = c.GetOrSet(ctx, key, load)
	}()
	<-done
	return v, err
}

// A hook of the client panics in the commit: Close has to return.
func TestLeaseHookPanicsInCommit(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		h := &panicHook{}
		rdb := env.NewClient(t)
		rdb.AddHook(h)
		c, err := cache.New(rdb, cache.Config[string, string]{Name: "test", TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		h.left.Store(2)
		_, err = get(c, t.Context(), "k", value("v", &runs))
		if err == nil {
			t.Error("the hook did not panic")
		}
		synctest.Wait() // the lease is given back in the background
		if got := env.Client.Get(t.Context(), control("test:k")).Val(); got != "" {
			t.Error("a lease was left behind")
		}
		closed := make(chan struct{})
		go func() { _ = c.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(time.Hour):
			t.Fatal("Close has not returned for an hour")
		}
	})
}

// A hook of the client panics in an acquisition that has a place under MaxLoads: the
// place is lost.
func TestLeaseHookPanicsWithAPlace(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		h := &panicHook{key: "test:k"}
		rdb := env.NewClient(t)
		rdb.AddHook(h)
		c := open(t, rdb, cache.Config[string, string]{MaxLoads: 1})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		release := make(chan struct{})
		go func() {
			_, _ = c.GetOrSet(t.Context(), "long", func(context.Context, string) (string, error) { <-release; return "v", nil })
		}()
		synctest.Wait()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := get(c, t.Context(), "k", value("v", &runs)); err == nil {
				t.Error("the hook did not panic")
			}
		})
		synctest.Wait()
		h.left.Store(1) // the second acquisition of k
		close(release)
		wg.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		v, err := c.GetOrSet(ctx, "next", value("v", &runs))
		want(t, "GetOrSet after that", v, err, "v")
	})
}

// A hook of the client panics in a renewal: the process has to survive.
func TestLeaseHookPanicsInRenewal(t *testing.T) {
	if os.Getenv("ASIDE_TEST_CHILD") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLeaseHookPanicsInRenewal$")
		cmd.Env = append(os.Environ(), "ASIDE_TEST_CHILD=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the process ended: %v\n%.600s", err, out)
		}
		return
	}
	bubble(t, func(t *testing.T, env *redistest.Env) {
		h := &panicHook{}
		rdb := env.NewClient(t)
		rdb.AddHook(h)
		c := open(t, rdb, cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		h.left.Store(2)
		v, err := get(c, t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(2 * time.Second); return "v", nil })
		want(t, "GetOrSet", v, err, "v")
	})
}

// A hook of the client ends the goroutine that releases a lease as the time of the load is over,
// and that was to renew it at the same moment: Close has to return.
func TestLeaseHookLeavesAtLoadTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		h := &exitHook{name: "evalsha"}
		rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.ContextTimeoutEnabled = true })
		rdb.AddHook(h)
		c := open(t, rdb, cache.Config[string, string]{LoadTimeout: 3 * time.Second, Lease: 3 * time.Second})
		time.AfterFunc(2500*time.Millisecond, func() { h.left.Store(1) })
		_, err := get(c, t.Context(), "k", func(context.Context, string) (string, error) {
			time.Sleep(10 * time.Second)
			return "v", nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("GetOrSet: %v, want DeadlineExceeded", err)
		}
		time.Sleep(20 * time.Second)
		if left := h.left.Load(); left >= 1 {
			t.Error("no lease was released")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := c.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}
