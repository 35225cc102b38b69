package cache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// TestOptionsThatCannotBe: every method that takes options refuses those that make no sense, by
// their names and whatever follows, and asks neither Redis nor the loader.
func TestOptionsThatCannotBe(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, config{})
		ctx := t.Context()
		load := never[string](t)
		entry := func(ctx context.Context, key string) (e loader.Entry[string], err error) {
			e.Value, err = load(ctx, key)
			return e, err
		}
		batch := func(ctx context.Context, keys []string) (map[string]string, error) {
			_, err := load(ctx, keys[0])
			return nil, err
		}
		var p collection.Pipeline
		q := c.In(&p)
		methods := map[string]func(o ...cache.Option) error{
			"GetOrSet":      func(o ...cache.Option) error { _, err := c.GetOrSet(ctx, "k", load, o...); return err },
			"GetOrSetEntry": func(o ...cache.Option) error { _, err := c.GetOrSetEntry(ctx, "k", entry, o...); return err },
			"GetOrSetMany":  func(o ...cache.Option) error { _, err := c.GetOrSetMany(ctx, []string{"k"}, batch, o...); return err },
			"Get":           func(o ...cache.Option) error { _, _, err := c.Get(ctx, "k", o...); return err },
			"GetMany":       func(o ...cache.Option) error { _, err := c.GetMany(ctx, []string{"k"}, o...); return err },
			"Entry":         func(o ...cache.Option) error { _, err := c.Entry(ctx, "k", o...); return err },
			"Set":           func(o ...cache.Option) error { return c.Set(ctx, "k", "v", o...) },
			"SetMany":       func(o ...cache.Option) error { return c.SetMany(ctx, map[string]string{"k": "v"}, o...) },
			"SetIfAbsent":   func(o ...cache.Option) error { _, err := c.SetIfAbsent(ctx, "k", "v", o...); return err },
			"SetAbsent":     func(o ...cache.Option) error { return c.SetAbsent(ctx, "k", o...) },
			"Touch":         func(o ...cache.Option) error { _, err := c.Touch(ctx, "k", o...); return err },
			"Refresh":       func(o ...cache.Option) error { _, err := c.Refresh(ctx, "k", load, o...); return err },

			"Get in a pipeline":         func(o ...cache.Option) error { _, err := q.Get("k", o...).Result(); return err },
			"Entry in a pipeline":       func(o ...cache.Option) error { _, err := q.Entry("k", o...).Result(); return err },
			"Set in a pipeline":         func(o ...cache.Option) error { _, err := q.Set("k", "v", o...).Result(); return err },
			"SetIfAbsent in a pipeline": func(o ...cache.Option) error { _, err := q.SetIfAbsent("k", "v", o...).Result(); return err },
			"SetAbsent in a pipeline":   func(o ...cache.Option) error { _, err := q.SetAbsent("k", o...).Result(); return err },
			"Touch in a pipeline":       func(o ...cache.Option) error { _, err := q.Touch("k", o...).Result(); return err },
		}
		for name, option := range map[string]cache.Option{"TTL(-5ns)": cache.TTL(-5)} {
			for method, call := range methods {
				if err := call(cache.TTL(time.Minute), option, cache.TTL(time.Hour)); err == nil || !strings.Contains(err.Error(), "option "+name) {
					t.Errorf("%s with %s: error %v, want one that names the option", method, name, err)
				}
			}
		}
		if p.Len() != 0 {
			t.Errorf("%d operations are queued, want none", p.Len())
		}
		if keys := env.Mini.Keys(); len(keys) != 0 {
			t.Errorf("Redis holds %q, want nothing", keys)
		}
	})
}
