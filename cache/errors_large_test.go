package cache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// A large value that Redis does not take in time is told of with its size: that may be why.
func TestErrorsNameTheSizeOfALargeValue(t *testing.T) {
	large := strings.Repeat("v", 3<<20)
	for name, write := range map[string]func(ctx context.Context, c *cache.Cache[string, string]) error{
		"Set": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Set(ctx, "k", large) },
		"SetIfAbsent": func(ctx context.Context, c *cache.Cache[string, string]) error {
			_, err := c.SetIfAbsent(ctx, "k", large)
			return err
		},
		"SetMany": func(ctx context.Context, c *cache.Cache[string, string]) error {
			return c.SetMany(ctx, map[string]string{"k": large})
		},
		"Exec": func(ctx context.Context, c *cache.Cache[string, string]) error {
			var p collection.Pipeline
			c.In(&p).Set("k", large)
			return p.Exec(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				c := open(t, f.client(t), cache.Config[string, string]{})
				f.freeze()
				err := write(t.Context(), c)
				if want := "redis failed: no answer within RedisTimeout, 1s, for a value of 3 MB"; err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("error %v, want one that ends with %q", err, want)
				}
				f.thaw()
				time.Sleep(time.Hour)
			})
		})
	}
}

// So is one that was loaded and could not be stored.
func TestErrorsNameTheSizeOfALargeLoad(t *testing.T) {
	for name, lease := range map[string]time.Duration{"with a lease": 0, "without one": cache.Off} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				var r recorder
				c := open(t, f.client(t), cache.Config[string, string]{Lease: lease, Observer: r.observer()})
				_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
					f.freeze()
					return strings.Repeat("v", 3<<20), nil
				})
				if err != nil {
					t.Fatal(err)
				}
				want := ", for a value of 3 MB"
				if errs := r.take().errors; len(errs) != 1 || !strings.HasSuffix(errs[0].Error(), want) {
					t.Errorf("the observer heard %v, want an error that ends with %q", errs, want)
				}
				f.thaw()
				time.Sleep(time.Hour)
			})
		})
	}
}
