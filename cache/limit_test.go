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

// says checks that err is of a deadline and tells what was waited for, in these words.
func says(t *testing.T, what string, err error, want ...string) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: error %v, want a deadline", what, err)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q is not in: %v", what, w, err)
		}
	}
}

const (
	tooLong   = "the load took longer than LoadTimeout, 1s"
	itsLoad   = "its load waited for a running one to end, as MaxLoads is 1"
	nested    = ": its loader called this cache, and that load waited for a running one to end, as MaxLoads is 1"
	meanwhile = ", while loads (1) waited for a running one to end, as MaxLoads is 1"
)

// kinds are the calls that load one key by one loader.
var kinds = map[string]func(ctx context.Context, c *cache.Cache[string, string], key string, load func(ctx context.Context) error) error{
	"GetOrSet": func(ctx context.Context, c *cache.Cache[string, string], key string, load func(ctx context.Context) error) error {
		_, err := c.GetOrSet(ctx, key, func(ctx context.Context, key string) (string, error) { return "v", load(ctx) })
		return err
	},
	"Refresh": func(ctx context.Context, c *cache.Cache[string, string], key string, load func(ctx context.Context) error) error {
		_, err := c.Refresh(ctx, key, func(ctx context.Context, key string) (string, error) { return "v", load(ctx) })
		return err
	},
	"GetOrSetMany": func(ctx context.Context, c *cache.Cache[string, string], key string, load func(ctx context.Context) error) error {
		_, err := c.GetOrSetMany(ctx, []string{key}, func(ctx context.Context, keys []string) (map[string]string, error) {
			return map[string]string{keys[0]: "v"}, load(ctx)
		})
		return err
	},
}

// A loader whose load of another key of the same cache waits for its own end says so.
func TestNestedLoadBeyondMaxLoads(t *testing.T) {
	for name, lease := range map[string]time.Duration{"leased": 0, "unleased": cache.Off} {
		for kind, get := range kinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1, LoadTimeout: time.Second, Lease: lease})
					inner := make(chan error, 1)
					err := get(t.Context(), c, "outer", func(ctx context.Context) error {
						inner <- get(ctx, c, "inner", func(context.Context) error { return nil })
						time.Sleep(time.Second) // or the caller might have the error of the loader
						return errors.New("too late")
					})
					says(t, "the outer call", err, tooLong+nested)
					says(t, "the inner call", <-inner, itsLoad)

					// Without its context the loader has to be told apart by its key.
					err = get(t.Context(), c, "outer", func(context.Context) error {
						ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
						defer cancel()
						return get(ctx, c, "inner", func(context.Context) error { return nil })
					})
					says(t, "the outer call", err, tooLong+meanwhile)
					time.Sleep(2 * time.Minute)
				})
			})
		}
	}
}

// A loader that is slow on its own is not said to wait for anything, not even if a load
// that it has asked for did wait before.
func TestSlowLoadUnderMaxLoads(t *testing.T) {
	for kind, get := range kinds {
		t.Run(kind, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1, LoadTimeout: time.Second})
				err := get(t.Context(), c, "k", func(ctx context.Context) error {
					short, cancel := context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
					says(t, "the inner call", get(short, c, "inner", func(context.Context) error { return nil }), itsLoad)
					<-ctx.Done()
					return ctx.Err()
				})
				says(t, "the call", err, tooLong)
				if strings.Contains(err.Error(), "MaxLoads") {
					t.Errorf("a slow load is said to wait: %v", err)
				}
			})
		})
	}
}

// Callers that leave while their load waits for its turn hear of it, those of a running load
// do not.
func TestCallersLeaveTheQueueOfMaxLoads(t *testing.T) {
	for kind, get := range kinds {
		t.Run(kind, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1})
				var calls sync.WaitGroup
				calls.Go(func() {
					_ = get(t.Context(), c, "k", func(context.Context) error { time.Sleep(10 * time.Second); return nil })
				})
				synctest.Wait()
				call := func(d time.Duration, key string) error {
					ctx, cancel := context.WithTimeoutCause(t.Context(), d, errors.New("no more time"))
					defer cancel()
					return get(ctx, c, key, func(context.Context) error { <-t.Context().Done(); return nil })
				}
				calls.Go(func() {
					says(t, "the leader of a queued load", call(2*time.Second, "other"), itsLoad, "no more time")
				})
				synctest.Wait()
				calls.Go(func() { says(t, "its follower", call(time.Second, "other"), itsLoad, "no more time") })
				err := call(time.Second, "k")
				says(t, "a follower of the running load", err)
				if strings.Contains(err.Error(), "MaxLoads") {
					t.Errorf("a follower of the running load is said to wait for its turn: %v", err)
				}
				calls.Wait()
			})
		})
	}
}
