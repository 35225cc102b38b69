package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// Each key has its own error: of the loader, of a *BatchError of the loader, of the codec.
func TestManyErrors(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Key: func(dst []byte, key string) []byte {
			if key == "unspeakable" {
				return nil
			}
			return append(dst, key...)
		}})
		failure := errors.New("no source")
		keys := []string{"a", "b", "c", "gone", "unspeakable"}
		got, err := c.GetOrSetMany(t.Context(), keys, func(_ context.Context, keys []string) (map[string]string, error) {
			if slices.Contains(keys, "unspeakable") {
				t.Error("the loader is asked for a key without a text")
			}
			return map[string]string{"a": "va", "unknown": "x"}, &loader.BatchError[string]{Errs: map[string]error{"b": failure, "gone": loader.ErrNotFound}}
		})
		var some *cache.BatchError[string]
		if !errors.As(err, &some) || len(some.Errs) != 2 || some.Errs["b"] != failure || !errors.Is(some.Errs["unspeakable"], cache.ErrEncode) {
			t.Fatalf("error %v", err)
		}
		want(t, "the values beside the errors", got, nil, map[string]string{"a": "va"})
		wantState(t, c, "a", cache.Present)
		wantState(t, c, "b", cache.Missing)
		for _, key := range []string{"c", "gone"} {
			wantState(t, c, key, cache.Absent)
		}
		wantState(t, c, "unknown", cache.Missing)
		_, err = c.GetOrSetMany(t.Context(), []string{"nameless"}, func(context.Context, []string) (map[string]string, error) {
			return nil, &loader.BatchError[string]{Errs: map[string]error{"nameless": nil}}
		})
		if err == nil {
			t.Error("a key that a *BatchError names without an error gives none")
		}
		wantState(t, c, "nameless", cache.Missing)

		// A follower gets the errors of its keys.
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.GetOrSetMany(t.Context(), []string{"d", "e"}, func(context.Context, []string) (map[string]string, error) {
				time.Sleep(time.Second)
				return map[string]string{"d": "ignored"}, failure
			})
			var some *cache.BatchError[string]
			if !errors.As(err, &some) || len(some.Errs) != 2 || some.Errs["d"] != failure || some.Errs["e"] != failure {
				t.Errorf("error %v, want the loader's for both keys", err)
			}
		})
		synctest.Wait()
		if _, err := c.GetOrSet(t.Context(), "e", never[string](t)); err != failure {
			t.Errorf("the follower's error is %v", err)
		}
		wg.Wait()
		if left := env.Keys(t); slices.ContainsFunc(left, func(key string) bool { return key == control("test:d") || key == control("test:e") }) {
			t.Errorf("a lease is left: %q", left)
		}

		got, err = c.GetOrSetMany(t.Context(), []string{"x", "y"}, func(context.Context, []string) (map[string]string, error) {
			return nil, fmt.Errorf("rows: %w", cache.ErrNotFound)
		})
		want(t, "GetOrSetMany of what does not exist", got, err, map[string]string{})
		wantState(t, c, "x", cache.Absent)

		if err := c.Delete(t.Context(), "a", "unspeakable"); !errors.As(err, &some) || len(some.Errs) != 1 {
			t.Errorf("Delete: %v", err)
		}
		wantState(t, c, "a", cache.Missing)
		if err := c.SetMany(t.Context(), map[string]string{"a": "va", "unspeakable": "x"}); !errors.As(err, &some) || len(some.Errs) != 1 {
			t.Errorf("SetMany: %v", err)
		}
		wantGet(t, c, "a", &[]string{"va"}[0])

		_, err = c.GetOrSetMany(t.Context(), []string{"v", "w"}, func(context.Context, []string) (map[string]string, error) {
			return nil, fmt.Errorf("rows: %w", &loader.BatchError[string]{Errs: map[string]error{"w": cache.ErrNotFound}})
		})
		if !errors.As(err, &some) || len(some.Errs) != 2 {
			t.Errorf("a *BatchError that is wrapped: error %v, want it for both keys", err)
		}
		wantState(t, c, "v", cache.Missing)

		if got, err := c.GetOrSetMany(t.Context(), keys, nil); err == nil || got != nil {
			t.Errorf("GetOrSetMany without a loader: %v, %v", got, err)
		}
		if got, err := c.GetMany(t.Context(), keys, cache.TTL(-5)); err == nil || got != nil {
			t.Errorf("GetMany with an impossible TTL: %v, %v", got, err)
		}
		if err := c.SetMany(t.Context(), map[string]string{"a": "x"}, cache.TTL(-5)); err == nil {
			t.Error("SetMany with an impossible TTL gives no error")
		}
	})
}

// A batch loader that panics, or exits, does so in its own caller; a caller that waits for one of its
// keys is told, and no lease is left.
func TestManyPanics(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1})
				var returned atomic.Bool
				var panicked any
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { panicked = recover() }()
					_, _ = c.GetOrSetMany(t.Context(), []string{"a", "b"}, func(context.Context, []string) (map[string]string, error) {
						time.Sleep(time.Second)
						end()
						return nil, nil
					})
					returned.Store(true)
				})
				synctest.Wait()
				_, err := c.GetOrSet(t.Context(), "b", never[string](t))
				if !errors.Is(err, cache.ErrPanic) {
					t.Errorf("the follower's error is %v", err)
				}
				wg.Wait()
				if returned.Load() || name == "panic" && panicked != "boom" {
					t.Errorf("the caller returned, or panicked with %v", panicked)
				}
				if left := env.Keys(t); len(left) > 0 {
					t.Errorf("%q is left", left)
				}
				l := ledger{}
				got, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, l.many)
				wantKeys(t, "GetOrSetMany afterwards", got, err, "a", "b")
			})
		})
	}
}

// The same for a key that is written again and again, so that it is obtained by itself in the
// end.
func TestManyPanicsInTheLastTurn(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{})
				var wg sync.WaitGroup
				lead := func() (release chan struct{}) {
					release = make(chan struct{})
					wg.Go(func() {
						v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { <-release; return "older", nil })
						want(t, "GetOrSet", v, err, "older")
					})
					synctest.Wait()
					return release
				}
				release := lead()
				loads := 0
				var returned atomic.Bool
				var panicked any
				wg.Go(func() {
					defer func() { panicked = recover() }()
					_, _ = c.GetOrSetMany(t.Context(), []string{"k", "l"}, func(_ context.Context, keys []string) (map[string]string, error) {
						if loads++; slices.Contains(keys, "k") {
							end()
						}
						return map[string]string{"l": "v"}, nil
					})
					returned.Store(true)
				})
				synctest.Wait()
				for turn := range 2 {
					if err := c.Delete(t.Context(), "k"); err != nil {
						t.Fatal(err)
					}
					old := release
					if turn == 0 {
						release = lead()
					}
					close(old)
					synctest.Wait()
				}
				wg.Wait()
				if loads != 2 || returned.Load() || name == "panic" && panicked != "boom" {
					t.Errorf("after %d loads the caller returned, or panicked with %v", loads, panicked)
				}
			})
		})
	}
}

// A caller that leaves takes nothing from the callers that wait for one of its keys; when all have
// left, the load is cancelled.
func TestManyLeavers(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		if err := c.Set(t.Context(), "hit", "vhit"); err != nil {
			t.Fatal(err)
		}
		l := ledger{takes: time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err := c.GetOrSetMany(ctx, []string{"hit", "a", "b"}, l.many)
			if took := time.Since(began); took != 100*time.Millisecond {
				t.Errorf("the caller left after %v", took)
			}
			var some *cache.BatchError[string]
			if !errors.As(err, &some) || len(some.Errs) != 2 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			wantKeys(t, "what was obtained before", got, nil, "hit")
		})
		synctest.Wait()
		v, err := c.GetOrSet(t.Context(), "b", never[string](t))
		want(t, "GetOrSet of the follower", v, err, "vb")
		wg.Wait()

		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		cancelled := time.Duration(0)
		began = time.Now()
		_, _ = c.GetOrSetMany(ctx, []string{"c", "d"}, func(ctx context.Context, _ []string) (map[string]string, error) {
			<-ctx.Done()
			cancelled = time.Since(began)
			return nil, ctx.Err()
		})
		synctest.Wait()
		if cancelled != 100*time.Millisecond {
			t.Errorf("the load that nobody waits for was cancelled after %v", cancelled)
		}
		if s := c.Stats(); s.Fenced != 0 {
			t.Errorf("Stats = %+v: no write came", s)
		}
	})
}

// A batch is one load under MaxLoads, and holds no lease while it waits for its place.
func TestManyUnderMaxLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1})
		another := open(t, env.Client, cache.Config[string, string]{})
		l, elsewhere := ledger{takes: time.Second}, ledger{}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.GetOrSet(t.Context(), "a", l.one) })
		synctest.Wait()
		wg.Go(func() {
			got, err := c.GetOrSetMany(t.Context(), []string{"b", "c", "d"}, l.many)
			wantKeys(t, "GetOrSetMany", got, err, "b", "c", "d")
		})
		synctest.Wait()
		got, err := another.GetOrSetMany(t.Context(), []string{"b", "c"}, elsewhere.many)
		wantKeys(t, "GetOrSetMany of a process with room", got, err, "b", "c")
		wg.Wait()
		l.wantOnce(t, 2, "a", "d")
		elsewhere.wantOnce(t, 1, "b", "c")
	})
}

// A loader that takes longer than LoadTimeout fails all its keys, whether it listens or not.
func TestManyLoadTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{LoadTimeout: time.Second})
		began := time.Now()
		_, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, func(context.Context, []string) (map[string]string, error) {
			time.Sleep(time.Minute)
			return map[string]string{"a": "late", "b": "late"}, nil
		})
		var some *cache.BatchError[string]
		if !errors.As(err, &some) || len(some.Errs) != 2 || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(time.Hour)
		if left := env.Keys(t); len(left) > 0 {
			t.Errorf("%q is left", left)
		}
	})
}

// While Redis is away a batch loads once, and its load is shared.
func TestManyWithoutRedis(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		f.refuse(true)
		l := ledger{takes: 10 * time.Second}
		var wg sync.WaitGroup
		for _, keys := range [][]string{{"a", "b"}, {"b", "a"}, {"a"}} {
			wg.Go(func() {
				got, err := c.GetOrSetMany(t.Context(), keys, l.many)
				wantKeys(t, "GetOrSetMany", got, err, keys...)
			})
		}
		wg.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.loads["a"] != 1 || l.loads["b"] != 1 {
			t.Errorf("loads %v, want one a key", l.loads)
		}
		f.refuse(false)
	})
}

// A loader that asks for keys that it is loading is told so.
func TestManyReentrant(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		got, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, func(ctx context.Context, keys []string) (map[string]string, error) {
			if _, err := c.GetOrSet(ctx, "a", never[string](t)); err == nil {
				t.Error("GetOrSet of a key that is being loaded gives no error")
			}
			l := ledger{}
			got, err := c.GetOrSetMany(ctx, []string{"b", "c"}, l.many)
			var some *cache.BatchError[string]
			if !errors.As(err, &some) || len(some.Errs) != 1 || some.Errs["b"] == nil {
				t.Errorf("error %v", err)
			}
			wantKeys(t, "what is not being loaded", got, nil, "c")
			return map[string]string{"a": "va", "b": "vb"}, nil
		})
		wantKeys(t, "GetOrSetMany", got, err, "a", "b")
	})
}

// Keys that are one key to Redis are loaded once.
func TestManyKeysOfOneName(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		for _, lease := range []time.Duration{0, cache.Off} {
			c := open(t, env.Client, cache.Config[string, string]{Lease: lease, Key: func(dst []byte, key string) []byte {
				return append(dst, key[0])
			}})
			got, err := c.GetOrSetMany(t.Context(), []string{"a1", "a2", "b"}, func(_ context.Context, keys []string) (map[string]string, error) {
				if len(keys) != 2 {
					t.Errorf("the loader is asked for %q", keys)
				}
				return map[string]string{"a1": "va", "a2": "va", "b": "vb"}, nil
			})
			want(t, "GetOrSetMany", got, err, map[string]string{"a1": "va", "a2": "va", "b": "vb"})
			if err := c.Delete(t.Context(), "a1", "b"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// So they are when the key is written again and again: the second one waits for the load of
// the first, and not for one that nobody has asked for.
func TestManyKeysOfOneNameThatIsWrittenAllTheTime(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Key: func(dst []byte, key string) []byte {
			return append(dst, key[0])
		}})
		var wg sync.WaitGroup
		lead := func() (release chan struct{}) {
			release = make(chan struct{})
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { <-release; return "older", nil })
				want(t, "GetOrSet", v, err, "older")
			})
			synctest.Wait()
			return release
		}
		release := lead()
		loads := 0
		wg.Go(func() {
			got, err := c.GetOrSetMany(t.Context(), []string{"k1", "k2", "k3"}, func(_ context.Context, keys []string) (map[string]string, error) {
				if loads++; len(keys) != 1 {
					t.Errorf("the loader is asked for %q", keys)
				}
				return map[string]string{keys[0]: "v"}, nil
			})
			want(t, "GetOrSetMany", got, err, map[string]string{"k1": "v", "k2": "v", "k3": "v"})
		})
		synctest.Wait()
		for attempt := range 2 {
			if err := c.Delete(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			old := release
			if attempt == 0 {
				release = lead()
			}
			close(old)
			synctest.Wait()
		}
		wg.Wait()
		if loads != 1 {
			t.Errorf("%d loads", loads)
		}
	})
}

// A key that does not equal itself has the value that came with it.
func TestManySetsAKeyThatEqualsNone(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[float64, string]{Key: func(dst []byte, key float64) []byte { return fmt.Append(dst, key) }})
		if err := c.SetMany(t.Context(), map[float64]string{math.NaN(): "v"}); err != nil {
			t.Fatal(err)
		}
		wantGet(t, c, math.NaN(), &[]string{"v"}[0])
	})
}
