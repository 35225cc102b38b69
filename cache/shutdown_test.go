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
	"github.com/asidecache/aside/internal/redistest"
)

// hold begins a load that goes on for a minute whatever its context says.
func hold(t *testing.T, c *cache.Cache[string, string], calls *sync.WaitGroup) {
	t.Helper()
	calls.Go(func() {
		_, err := c.GetOrSet(background, "k", func(context.Context, string) (string, error) {
			time.Sleep(time.Minute)
			return "v", nil
		})
		if !errors.Is(err, cache.ErrClosed) {
			t.Errorf("the call that waited got %v", err)
		}
	})
	synctest.Wait()
}

// A loader that ignores its context keeps Close waiting, and Shutdown only as long as its context
// says; its error counts such loaders. Whoever calls Shutdown then waits for the same end.
func TestShutdownDoesNotWaitForLoaders(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		var calls sync.WaitGroup
		hold(t, c, &calls)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := c.Shutdown(ctx)
		if took := time.Since(began); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown returned %v after %v", err, took)
		}
		if says := "aside: Shutdown test: context deadline exceeded: 1 loaders have not returned"; !strings.HasPrefix(err.Error(), says) {
			t.Errorf("Shutdown returned %q", err)
		}
		if _, err := c.GetOrSet(t.Context(), "k", never[string](t)); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("a call after Shutdown got %v", err)
		}
		if n := env.Client.Exists(t.Context(), control("test:k")).Val(); n != 0 {
			t.Error("the lease was not released")
		}
		if err := c.Close(); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("Close after Shutdown returned %v after %v", err, time.Since(began))
		}
		err = c.Shutdown(background)
		if took := time.Since(began); took != time.Minute || err != nil {
			t.Errorf("a second Shutdown returned %v after %v", err, took)
		}
		calls.Wait()
	})
}

// Shutdown with a context that has ended closes all the same, and has no error if nothing is left.
func TestShutdownWithAnEndedContext(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(errBoom)
		c := open(t, env.Client, cache.Config[string, string]{})
		var calls sync.WaitGroup
		hold(t, c, &calls)
		if err := c.Shutdown(ended); !errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) {
			t.Errorf("Shutdown returned %v", err)
		}
		calls.Wait()
		if err := c.Shutdown(background); err != nil {
			t.Errorf("Shutdown without an end returned %v", err)
		}
		if err := c.Shutdown(ended); err != nil {
			t.Errorf("Shutdown of what has ended returned %v", err)
		}
	})
}

// Calls of Close and Shutdown at one time end the cache once.
func TestShutdownBesideClose(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		var calls sync.WaitGroup
		hold(t, c, &calls)
		for range 4 {
			calls.Go(func() { _ = c.Close() })
			calls.Go(func() {
				if err := c.Shutdown(background); err != nil {
					t.Errorf("Shutdown returned %v", err)
				}
			})
		}
		calls.Wait()
	})
}
