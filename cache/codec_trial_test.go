package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// oneWay cannot read one of the values that it writes, as a codec of an any cannot.
type oneWay struct{}

const unreadable = "unreadable"

func (oneWay) AppendValue(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (oneWay) ParseValue(src []byte, v *string) error {
	if *v = string(src); *v == unreadable {
		return errors.New("what was that?")
	}
	return nil
}

// pastTrial returns a cache that has stored so many readable values that it decodes no
// more of them.
func pastTrial(t *testing.T, env *redistest.Env, lease time.Duration) *cache.Cache[string, string] {
	c := open(t, env.Client, cache.Config[string, string]{Codec: codec.String(oneWay{}), Lease: lease})
	for i := range 10 {
		if err := c.Set(t.Context(), fmt.Sprint("readable", i), "v"); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// A load whose value cannot be decoded again fails for all that share it, not for the
// followers alone, and is not stored.
func TestUnreadableLoadFailsForAll(t *testing.T) {
	load := func(_ context.Context, keys []string) (map[string]string, error) {
		time.Sleep(time.Second)
		return map[string]string{keys[0]: unreadable}, nil
	}
	for name, lease := range map[string]time.Duration{"leased": 0, "unleased": cache.Off} {
		for kind, get := range map[string]func(ctx context.Context, c *cache.Cache[string, string]) (string, error){
			"single": func(ctx context.Context, c *cache.Cache[string, string]) (string, error) {
				return c.GetOrSet(ctx, "k", func(ctx context.Context, key string) (string, error) {
					values, err := load(ctx, []string{key})
					return values[key], err
				})
			},
			"batch": func(ctx context.Context, c *cache.Cache[string, string]) (string, error) {
				values, err := c.GetOrSetMany(ctx, []string{"k"}, load)
				return values["k"], err
			},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := pastTrial(t, env, lease)
					var callers sync.WaitGroup
					for range 8 {
						callers.Go(func() {
							v, err := get(t.Context(), c)
							wantError(t, "a caller", v, err, cache.ErrEncode)
						})
					}
					callers.Wait()
					if env.Mini.Exists(c.RedisKey("k")) {
						t.Error("what cannot be decoded was stored")
					}
				})
			})
		}
	}
}

// The first values of a cache are decoded when they are encoded, however they are written.
func TestUnreadableFirstStore(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := cache.Config[string, string]{Codec: codec.String(oneWay{})}
		ctx := t.Context()
		for method, write := range map[string]func(c *cache.Cache[string, string]) error{
			"Set":         func(c *cache.Cache[string, string]) error { return c.Set(ctx, "k", unreadable) },
			"SetIfAbsent": func(c *cache.Cache[string, string]) error { _, err := c.SetIfAbsent(ctx, "k", unreadable); return err },
			"SetMany": func(c *cache.Cache[string, string]) error {
				return c.SetMany(ctx, map[string]string{"k": unreadable})
			},
			"Refresh": func(c *cache.Cache[string, string]) error {
				_, err := c.Refresh(ctx, "k", value(unreadable, new(int)))
				return err
			},
		} {
			cfg.Name = method
			c := open(t, env.Client, cfg)
			if err := write(c); !errors.Is(err, cache.ErrEncode) {
				t.Errorf("%s: error %v, want ErrEncode", method, err)
			}
			if env.Mini.Exists(c.RedisKey("k")) {
				t.Errorf("%s has stored what cannot be decoded", method)
			}
		}
	})
}

// A value that only shows later not to be readable is stored once: its entry counts as
// missing, and from then on the load says so.
func TestUnreadableStoreIsNotRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := pastTrial(t, env, 0)
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value(unreadable, &runs))
		want(t, "the first GetOrSet", v, err, unreadable)
		for range 3 {
			v, err = c.GetOrSet(t.Context(), "k", value(unreadable, &runs))
			wantError(t, "GetOrSet", v, err, cache.ErrEncode)
		}
	})
}
