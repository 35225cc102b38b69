package cache_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// wantAbandoned checks how many loaders nobody waits for.
func wantAbandoned(t *testing.T, c *cache.Cache[string, string], when string, wanted uint64) {
	t.Helper()
	synctest.Wait()
	if got := c.Stats().LoadsAbandoned; got != wanted {
		t.Errorf("%s: Stats().LoadsAbandoned = %d, want %d", when, got, wanted)
	}
}

// A loader that ignores its context, and goes on for a minute after its caller has left or
// LoadTimeout has passed: the lease is gone, and the loader is counted and keeps its place under
// MaxLoads, until it ends, in whatever way.
func TestLoaderThatIgnoresItsContext(t *testing.T) {
	waits := map[string]time.Duration{"the caller leaves": time.Second, "LoadTimeout passes": time.Hour}
	ends := map[string]func() error{
		"with a value":  func() error { return nil },
		"with an error": func() error { return errBoom },
		"by Goexit":     func() error { runtime.Goexit(); return nil },
	}
	for kind, get := range kinds {
		for why, wait := range waits {
			for how, end := range ends {
				t.Run(kind+" "+why+" "+how, func(t *testing.T) {
					bubble(t, func(t *testing.T, env *redistest.Env) {
						c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1, LoadTimeout: 2 * time.Second, ErrorTTL: 10 * time.Second})
						began := time.Now()
						var calls sync.WaitGroup
						calls.Go(func() {
							ctx, cancel := context.WithTimeout(t.Context(), wait)
							defer cancel()
							err := get(ctx, c, "k", func(context.Context) error { time.Sleep(time.Minute); return end() })
							if took := time.Since(began); took != min(wait, 2*time.Second) || !errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("the call returned %v after %v", err, took)
							}
						})
						synctest.Wait()
						wantAbandoned(t, c, "while the caller waits", 0)
						calls.Wait()
						wantAbandoned(t, c, "when nobody waits", 1)
						if n := env.Client.Exists(t.Context(), control("test:k")).Val(); n != 0 {
							t.Error("the lease was not released")
						}
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
						defer cancel()
						says(t, "the next call, with the place taken", get(ctx, c, "other", func(context.Context) error { return nil }), itsLoad)
						time.Sleep(time.Until(began.Add(time.Minute)))
						wantAbandoned(t, c, "when the loader has ended", 0)
						if err := get(t.Context(), c, "other", func(context.Context) error { return nil }); err != nil {
							t.Errorf("with the place free again: %v", err)
						}
						wantGet(t, c, "k", nil)
					})
				})
			}
		}
	}
}

// A loader that honours its context, and one that fails in time, are not abandoned. Close waits
// for one that is.
func TestCloseWaitsForAbandonedLoaders(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{LoadTimeout: time.Second})
		_, _ = c.GetOrSet(t.Context(), "heedful", func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() })
		_, _ = c.GetOrSet(t.Context(), "failing", failing[string](errBoom))
		wantAbandoned(t, c, "loaders that return", 0)

		_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(time.Minute); return "", nil })
		says(t, "the call", err, tooLong)
		wantAbandoned(t, c, "after LoadTimeout", 1)
		began := time.Now()
		if err := c.Close(); err != nil || time.Since(began) != time.Minute-time.Second {
			t.Errorf("Close returned %v after %v, want it to wait for the loader", err, time.Since(began))
		}
		wantAbandoned(t, c, "after Close", 0)
	})
}
