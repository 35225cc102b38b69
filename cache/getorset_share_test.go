package cache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// That Redis does not store a refreshed value is an error for those that refresh. A
// GetOrSet that shares the load asked for a value, and has one: where no lease can
// prove that to be too old.
func TestRefreshThatIsNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Lease: cache.Off})
		load := func(context.Context, string) (string, error) {
			time.Sleep(time.Second)
			env.Mini.SetError("ERR out of order")
			return "loaded", nil
		}
		refreshed := make(chan error, 2)
		refresh := func() {
			_, err := c.Refresh(t.Context(), "k", load)
			refreshed <- err
		}
		go refresh()
		synctest.Wait()
		v, err := c.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "GetOrSet", v, err, "loaded")
		if err := <-refreshed; !errors.Is(err, cache.ErrRedis) {
			t.Errorf("Refresh: error %v", err)
		}
		env.Mini.SetError("")
	})
}

// A loader's error comes back as it was, also if it tells of a panic in another
// cache.
func TestPanicOfAnotherCache(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		inner := open(t, env.Client, cache.Config[string, string]{Name: "inner"})
		outer := open(t, env.Client, cache.Config[string, string]{Name: "outer"})
		go func() {
			defer func() { _ = recover() }()
			_, _ = inner.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
				time.Sleep(time.Second)
				panic("boom")
			})
		}()
		synctest.Wait()
		var told error
		v, err := outer.GetOrSet(t.Context(), "k", func(ctx context.Context, key string) (v string, err error) {
			v, told = inner.GetOrSet(ctx, key, never[string](t))
			return v, told
		})
		if v != "" || err != told || !errors.Is(err, cache.ErrPanic) {
			t.Errorf("got %q, %v, want %v", v, err, told)
		}
	})
}
