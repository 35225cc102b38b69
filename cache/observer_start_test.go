package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

type spanKey struct{}

// spanOf is what starting has put into a context, nil for nothing.
func spanOf(ctx context.Context) any { return ctx.Value(spanKey{}) }

// starting numbers the runs of loaders.
func starting(starts *[]cache.LoadStart) cache.Observer {
	return cache.Observer{StartLoad: func(ctx context.Context, e cache.LoadStart) context.Context {
		*starts = append(*starts, e)
		return context.WithValue(ctx, spanKey{}, len(*starts))
	}}
}

// observedWaits keeps what is told of waits.
func observedWaits(mu *sync.Mutex, waits *[]cache.WaitEvent) cache.Observer {
	return cache.Observer{Wait: func(ctx context.Context, e cache.WaitEvent) {
		mu.Lock()
		defer mu.Unlock()
		*waits = append(*waits, e)
	}}
}

// What StartLoad returns is the context of the loader and of Load.
func TestStartLoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var starts []cache.LoadStart
		ended := 0
		c := open(t, env.Client, cache.Config[string, string]{Name: "user", Observer: cache.Join(starting(&starts), cache.Observer{
			Load: func(ctx context.Context, e cache.LoadEvent) {
				if ended++; spanOf(ctx) != ended {
					t.Errorf("Load %d has span %v", ended, spanOf(ctx))
				}
			},
		})})
		_, err := c.GetOrSet(t.Context(), "a", func(ctx context.Context, _ string) (string, error) {
			if spanOf(ctx) != 1 {
				t.Errorf("the loader has span %v", spanOf(ctx))
			}
			return "", errors.New("down")
		})
		if err == nil {
			t.Error("the load has not failed")
		}
		_, err = c.GetOrSetMany(t.Context(), []string{"a", "b"}, func(ctx context.Context, _ []string) (map[string]string, error) {
			if spanOf(ctx) != 2 {
				t.Errorf("the batch loader has span %v", spanOf(ctx))
			}
			return nil, nil
		})
		if err != nil || ended != 2 {
			t.Errorf("the batch: %v, %d loads have ended", err, ended)
		}
		wanted := []cache.LoadStart{{Cache: "user", Keys: []string{"user:a"}}, {Cache: "user", Keys: []string{"user:a", "user:b"}}}
		if got := fmt.Sprint(starts); got != fmt.Sprint(wanted) {
			t.Errorf("told of %v, want %v", got, wanted)
		}
	})
}

// A refresh in the background starts as such, and a caller that joins it waits for it.
func TestStartLoadInBackground(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var mu sync.Mutex
		var starts []cache.LoadStart
		var waits []cache.WaitEvent
		cfg := staleConfig()
		cfg.Observer = cache.Join(starting(&starts), observedWaits(&mu, &waits))
		c := open(t, env.Client, cfg)
		slow := func(context.Context, string) (string, error) {
			time.Sleep(time.Second)
			return "v", nil
		}
		_, _ = c.GetOrSet(t.Context(), "k", slow)
		time.Sleep(61 * time.Second)
		v, err := c.GetOrSet(t.Context(), "k", slow)
		want(t, "stale", v, err, "v")
		time.Sleep(time.Millisecond)
		v, err = c.GetOrSet(t.Context(), "k", never[string](t), cache.NoStale())
		want(t, "NoStale", v, err, "v")
		if len(starts) != 2 || starts[0].Background || !starts[1].Background {
			t.Errorf("told of %v", starts)
		}
		if len(waits) != 1 || spanOf(waits[0].Load) != 2 {
			t.Errorf("told of waits %v", waits)
		}
	})
}

// Each of two observers adds to the context, also when the other panics or returns none.
func TestStartLoadOfTwoObservers(t *testing.T) {
	type key string
	adds := func(name key, returns func(context.Context) context.Context) cache.Observer {
		return cache.Observer{StartLoad: func(ctx context.Context, _ cache.LoadStart) context.Context {
			return returns(context.WithValue(ctx, name, true))
		}}
	}
	whole := func(ctx context.Context) context.Context { return ctx }
	none := func(context.Context) context.Context { return nil }
	panics := func(context.Context) context.Context { panic("oh") }
	for _, tt := range []struct {
		name          string
		first, second func(context.Context) context.Context
		wanted        []key
		panics        int
	}{
		{"both", whole, whole, []key{"first", "second", "third"}, 0},
		{"the first returns none", none, whole, []key{"second", "third"}, 0},
		{"the second returns none", whole, none, []key{"first", "third"}, 0},
		{"the first panics", panics, whole, []key{"second", "third"}, 1},
		{"the second panics", whole, panics, []key{"first", "third"}, 1},
		{"both panic", panics, panics, []key{"third"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				var rec recorder
				var found []key
				c := open(t, env.Client, cache.Config[string, string]{Observer: cache.Join(
					rec.observer(), adds("first", tt.first), adds("second", tt.second), adds("third", whole),
				)})
				v, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
					for _, name := range []key{"first", "second", "third"} {
						if ctx.Value(name) != nil {
							found = append(found, name)
						}
					}
					return "v", nil
				})
				want(t, "GetOrSet", v, err, "v")
				if !slices.Equal(found, tt.wanted) {
					t.Errorf("the loader's context is of %v, want %v", found, tt.wanted)
				}
				if len(rec.errors) != tt.panics || tt.panics > 0 && rec.errors[0].Kind != cache.ErrPanic {
					t.Errorf("Error was told of %v", rec.errors)
				}
			})
		})
	}
}

// A panic of an only StartLoad is contained as well.
func TestStartLoadPanics(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var rec recorder
		o := rec.observer()
		o.StartLoad = func(context.Context, cache.LoadStart) context.Context { panic("oh") }
		o.Wait = func(context.Context, cache.WaitEvent) { panic("ah") }
		c := open(t, env.Client, cache.Config[string, string]{Observer: o})
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				v, err := c.GetOrSet(background, "k", func(context.Context, string) (string, error) {
					time.Sleep(time.Second)
					return "v", nil
				})
				want(t, "GetOrSet", v, err, "v")
			})
		}
		calls.Wait()
		if len(rec.errors) != 2 || len(rec.loads) != 1 {
			t.Errorf("Error was told of %v, Load of %d loads", rec.errors, len(rec.loads))
		}
	})
}

// Calls that have waited for another's loader are told of it, also those that leave and those
// that fail with it; the call that has started it is not.
func TestWait(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var mu sync.Mutex
		var starts []cache.LoadStart
		waits := make(map[string][]cache.WaitEvent)
		cfg := cache.Config[string, string]{Name: "user", Observer: cache.Join(starting(&starts), cache.Observer{
			Wait: func(ctx context.Context, e cache.WaitEvent) {
				mu.Lock()
				defer mu.Unlock()
				who := ctx.Value(traceKey{}).(string)
				waits[who] = append(waits[who], e)
			},
		})}
		c, other := open(t, env.Client, cfg), open(t, env.Client, cfg)
		from := func(who string) context.Context { return context.WithValue(background, traceKey{}, who) }
		var calls sync.WaitGroup
		calls.Go(func() {
			_, err := c.GetOrSetMany(from("leader"), []string{"a", "b"}, func(context.Context, []string) (map[string]string, error) {
				time.Sleep(time.Second)
				return nil, errors.New("down")
			})
			if err == nil {
				t.Error("the batch has not failed")
			}
		})
		time.Sleep(time.Millisecond)
		calls.Go(func() { _, _ = c.GetOrSet(from("one"), "a", never[string](t)) })
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(from("leaver"), 10*time.Millisecond)
			defer cancel()
			_, _ = c.GetOrSet(ctx, "a", never[string](t))
		})
		calls.Go(func() {
			_, _ = c.GetOrSetMany(from("batch"), []string{"c", "a", "b"}, func(_ context.Context, keys []string) (map[string]string, error) {
				return map[string]string{"c": "v"}, nil
			})
		})
		calls.Go(func() { _, _ = other.GetOrSet(from("other process"), "a", failing[string](errors.New("down"))) })
		calls.Wait()
		synctest.Wait()
		for who, wanted := range map[string]string{
			"leader": "[]", "one": "[[user:a] 999ms 1]", "leaver": "[[user:a] 10ms 1]", "batch": "[[user:a user:b] 999ms 1]", "other process": "[]",
		} {
			got := []string{}
			for _, e := range waits[who] {
				got = append(got, fmt.Sprint(e.Keys, e.Duration, spanOf(e.Load)))
			}
			if fmt.Sprint(got) != wanted {
				t.Errorf("%s is told of waits %v, want %s", who, got, wanted)
			}
		}
	})
}
