package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// rememberingKinds are the kinds of calls that may be answered by an error that is remembered.
var rememberingKinds = []string{"GetOrSet", "GetOrSetMany"}

// counted is a loader for kinds that counts its runs.
func counted(err error, runs *int) func(context.Context) error {
	return func(context.Context) error { *runs++; return err }
}

// wantRemembered checks that err is a RememberedError of cause since a time.
func wantRemembered(t *testing.T, what string, err, cause error, since time.Time) {
	t.Helper()
	var remembered *cache.RememberedError
	switch {
	case !errors.As(err, &remembered):
		t.Errorf("%s: error %v, want one that is remembered", what, err)
	case remembered.Err != cause || !errors.Is(err, cause):
		t.Errorf("%s: %v is remembered, want %v itself", what, remembered.Err, cause)
	case !remembered.Since.Equal(since) || remembered.Cache != "test":
		t.Errorf("%s: remembered by %q since %v, want test since %v", what, remembered.Cache, remembered.Since, since)
	}
}

// wantFresh checks that err is the load's own error.
func wantFresh(t *testing.T, what string, err, cause error) {
	t.Helper()
	var remembered *cache.RememberedError
	if !errors.Is(err, cause) || errors.As(err, &remembered) {
		t.Errorf("%s: error %v, want %v from a load", what, err, cause)
	}
}

func TestErrorTTL(t *testing.T) {
	for name, lease := range map[string]time.Duration{"leased": 0, "unleased": cache.Off} {
		for _, kind := range rememberingKinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					var r recorder
					c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: 2 * time.Second, Lease: lease, Observer: r.observer()})
					get, runs := kinds[kind], 0
					load := counted(errBoom, &runs)
					failed := time.Now()
					wantFresh(t, "the first call", get(t.Context(), c, "k", load), errBoom)
					time.Sleep(2*time.Second - 1)
					for range 3 {
						wantRemembered(t, "a call within ErrorTTL", get(t.Context(), c, "k", load), errBoom, failed)
					}
					err := get(t.Context(), c, "k", load)
					if text := err.Error(); !strings.Contains(text, "remembers") || !strings.Contains(text, "boom") {
						t.Errorf("the text is %q", text)
					}
					_ = get(t.Context(), c, "other", func(context.Context) error { return nil }) // has nothing to do with it
					if s := c.Stats(); s.Loads != 2 || s.LoadErrors != 1 || s.Remembered != 4 || s.Shared != 0 || s.Misses != 6 {
						t.Errorf("Stats() = %+v, want 2 loads and 4 remembered errors", s)
					}
					for i, e := range r.take().lookups {
						if told := e.Err != nil; told != (0 < i && i < 5) || told && !errors.Is(e.Err, errBoom) || e.State != cache.Missing {
							t.Errorf("lookup %d: %+v", i, e)
						}
					}
					time.Sleep(time.Nanosecond)
					wantFresh(t, "a call after ErrorTTL", get(t.Context(), c, "k", load), errBoom)
					if runs != 2 {
						t.Errorf("%d loads, want 2", runs)
					}
				})
			})
		}
	}
}

// Without ErrorTTL each call asks the source; those that wait share its error.
func TestErrorsAreNotRememberedByDefault(t *testing.T) {
	for _, ttl := range []time.Duration{0, cache.Off} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: ttl})
			runs := 0
			var calls sync.WaitGroup
			for range 10 {
				calls.Go(func() {
					_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
						runs++
						time.Sleep(time.Second)
						return "", errBoom
					})
					wantFresh(t, "a call", err, errBoom)
				})
			}
			calls.Wait()
			_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { runs++; return "", errBoom })
			wantFresh(t, "the next call", err, errBoom)
			if s := c.Stats(); runs != 2 || s.Remembered != 0 || s.Shared != 9 {
				t.Errorf("%d loads, Stats() = %+v", runs, s)
			}
		})
	}
}

// Each key of a batch has its own error.
func TestErrorTTLOfABatch(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: time.Second})
		var asked [][]string
		load := func(_ context.Context, keys []string) (map[string]string, error) {
			asked = append(asked, keys)
			return map[string]string{"good": "v"}, &cache.BatchError[string]{Errs: map[string]error{"bad": errBoom}}
		}
		failed := time.Now()
		for i := range 2 {
			got, err := c.GetOrSetMany(t.Context(), []string{"good", "bad", "none"}, load)
			var some *cache.BatchError[string]
			if !errors.As(err, &some) || len(some.Errs) != 1 || len(got) != 1 || got["good"] != "v" {
				t.Fatalf("got %v, %v", got, err)
			}
			if i == 1 {
				wantRemembered(t, "bad", some.Errs["bad"], errBoom, failed)
			}
		}
		_, err := c.GetOrSet(t.Context(), "bad", never[string](t))
		wantRemembered(t, "a single call", err, errBoom, failed)
		_, err = c.GetOrSetMany(t.Context(), []string{"bad", "new"}, load) // which names bad alone
		wantRemembered(t, "a batch with another key", err, errBoom, failed)
		if text := fmt.Sprint(asked); text != "[[good bad none] [new]]" {
			t.Errorf("the source was asked for %s", text)
		}
	})
}

// Any write of the key by this cache ends what is remembered, and a Refresh asks the source.
func TestErrorTTLEndsWithAWrite(t *testing.T) {
	type C = cache.Cache[string, string]
	for name, write := range map[string]func(context.Context, *C) error{
		"Delete":      func(ctx context.Context, c *C) error { return c.Delete(ctx, "k") },
		"Delete many": func(ctx context.Context, c *C) error { return c.Delete(ctx, "other", "k") },
		"Set":         func(ctx context.Context, c *C) error { return c.Set(ctx, "k", "v", cache.TTL(time.Millisecond)) },
		"SetMany": func(ctx context.Context, c *C) error {
			return c.SetMany(ctx, map[string]string{"k": "v"}, cache.TTL(time.Millisecond))
		},
		"SetAbsent": func(ctx context.Context, c *C) error { return c.SetAbsent(ctx, "k", cache.TTL(time.Millisecond)) },
		"SetIfAbsent": func(ctx context.Context, c *C) error {
			_, err := c.SetIfAbsent(ctx, "k", "v", cache.TTL(time.Millisecond))
			return err
		},
		"a pipeline": func(ctx context.Context, c *C) error {
			var p collection.Pipeline
			c.In(&p).Delete("k")
			return p.Exec(ctx)
		},
		"Refresh that fails": func(ctx context.Context, c *C) error {
			_, err := c.Refresh(ctx, "k", func(context.Context, string) (string, error) {
				c2, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				_, err := c.GetOrSet(c2, "k", failing[string](errBoom))
				says(t, "a call during the Refresh", err) // waits, and gets nothing that is remembered
				return "", context.Canceled               // which is not remembered either
			})
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: 10 * time.Second})
				_, err := c.GetOrSet(t.Context(), "k", failing[string](errBoom))
				wantFresh(t, "the first call", err, errBoom)
				_, err = c.GetOrSet(t.Context(), "k", never[string](t))
				wantFresh(t, "the second call", errors.Unwrap(err), errBoom)
				if err := write(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				env.Advance(t, time.Second) // what was stored is gone
				runs := 0
				v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
				want(t, "GetOrSet after the write", v, err, "v")
			})
		})
	}
}

// The error of a load that began before a write is not remembered after it.
func TestErrorTTLOfALoadBeforeAWrite(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: 10 * time.Second})
		var calls sync.WaitGroup
		calls.Go(func() {
			_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(time.Second); return "", errBoom })
			wantFresh(t, "the load before the write", err, errBoom)
		})
		synctest.Wait()
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		calls.Wait()
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet after the write", v, err, "v")
	})
}

// What says nothing of the source is not remembered.
func TestErrorsThatAreNotRemembered(t *testing.T) {
	remembered := &cache.RememberedError{Cache: "other", Err: errBoom, Since: time.Now()}
	for name, end := range map[string]func(ctx, caller context.Context) error{
		"ErrNotFound":                      func(_, _ context.Context) error { return cache.ErrNotFound },
		"a cancellation":                   func(_, _ context.Context) error { return context.Canceled },
		"the end of the caller's context":  func(_, caller context.Context) error { <-caller.Done(); return caller.Err() },
		"the load's own end":               func(ctx, _ context.Context) error { <-ctx.Done(); return errBoom },
		"the end of a call of another one": func(_, _ context.Context) error { return &cache.Error{Kind: cache.ErrClosed} },
		"a failure of Redis": func(_, _ context.Context) error {
			return fmt.Errorf("the other: %w", &cache.Error{Kind: cache.ErrRedis})
		},
		"a panic elsewhere":            func(_, _ context.Context) error { return &cache.Error{Kind: cache.ErrPanic} },
		"a panic":                      func(_, _ context.Context) error { panic("boom") },
		"Goexit":                       func(_, _ context.Context) error { runtime.Goexit(); return nil },
		"what another cache remembers": func(_, _ context.Context) error { return fmt.Errorf("the other: %w", remembered) },
	} {
		for _, kind := range rememberingKinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: 10 * time.Second, AbsentTTL: cache.Off})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					var calls sync.WaitGroup
					calls.Go(func() {
						defer func() { _ = recover() }()
						_ = kinds[kind](ctx, c, "k", func(load context.Context) error { return end(load, ctx) })
					})
					synctest.Wait()
					if name == "the end of the caller's context" { // which the others share
						calls.Go(func() { _ = kinds[kind](t.Context(), c, "k", func(context.Context) error { return nil }) })
					}
					calls.Wait()
					synctest.Wait()
					runs := 0
					if err := kinds[kind](t.Context(), c, "k", counted(nil, &runs)); err != nil || runs != 1 {
						t.Errorf("the next call: %v after %d loads, want one", err, runs)
					}
				})
			})
		}
	}
}

// LoadTimeout is a failure of the source, whether or not the loader returns.
func TestErrorTTLOfLoadTimeout(t *testing.T) {
	for name, load := range map[string]func(context.Context) error{
		"heedful":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"stubborn": func(context.Context) error { time.Sleep(5 * time.Second); return errBoom },
	} {
		for _, kind := range rememberingKinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: 3 * time.Second, LoadTimeout: time.Second})
					if err := kinds[kind](t.Context(), c, "k", load); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the first call: %v", err)
					}
					time.Sleep(3*time.Second - 1)
					runs := 0
					err := kinds[kind](t.Context(), c, "k", counted(nil, &runs))
					var remembered *cache.RememberedError
					if !errors.As(err, &remembered) || !errors.Is(err, context.DeadlineExceeded) || runs != 0 {
						t.Errorf("within ErrorTTL: %v after %d loads", err, runs)
					}
					time.Sleep(2 * time.Second) // the stubborn one has returned: its error comes too late to be remembered
					if err := kinds[kind](t.Context(), c, "k", counted(nil, &runs)); err != nil || runs != 1 {
						t.Errorf("after ErrorTTL: %v after %d loads", err, runs)
					}
				})
			})
		}
	}
}

// What Redis has comes before an error that is remembered, whoever has stored it; without Redis
// the error is the answer.
func TestErrorTTLAndRedis(t *testing.T) {
	for name, lease := range map[string]time.Duration{"leased": 0, "unleased": cache.Off} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				cfg := cache.Config[string, string]{ErrorTTL: 10 * time.Second, Lease: lease}
				c, other := open(t, env.Client, cfg), open(t, env.Client, cfg)
				failed := time.Now()
				_, err := c.GetOrSet(t.Context(), "k", failing[string](errBoom))
				wantFresh(t, "GetOrSet", err, errBoom)
				if err := other.SetAbsent(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				v, err := c.GetOrSet(t.Context(), "k", never[string](t))
				wantError(t, "GetOrSet of an absence", v, err, cache.ErrNotFound)
				if err := other.Set(t.Context(), "k", "v"); err != nil {
					t.Fatal(err)
				}
				v, err = c.GetOrSet(t.Context(), "k", never[string](t))
				want(t, "GetOrSet of a value", v, err, "v")
				if err := other.Delete(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				_, err = c.GetOrSet(t.Context(), "k", never[string](t))
				wantRemembered(t, "after a Delete elsewhere", err, errBoom, failed)

				env.Mini.SetError("LOADING of this test")
				_, err = c.GetOrSet(t.Context(), "k", never[string](t))
				wantRemembered(t, "without Redis", err, errBoom, failed)
				env.Mini.SetError("")
			})
		})
	}
}

// Calls that come at any time around a failure ask the source once in ErrorTTL.
func TestErrorTTLInAStorm(t *testing.T) {
	for name, lease := range map[string]time.Duration{"leased": 0, "unleased": cache.Off} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				f.delay(func(string) time.Duration { return 3 * time.Millisecond }, func() time.Duration { return 4 * time.Millisecond })
				c := open(t, f.client(t), cache.Config[string, string]{ErrorTTL: time.Second, Lease: lease})
				runs := 0
				var calls sync.WaitGroup
				for i := range 200 {
					calls.Go(func() {
						time.Sleep(time.Duration(i) * time.Millisecond)
						_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
							runs++
							time.Sleep(50 * time.Millisecond)
							return "", errBoom
						})
						if !errors.Is(err, errBoom) {
							t.Errorf("call %d: %v", i, err)
						}
					})
				}
				calls.Wait()
				if s := c.Stats(); runs != 1 || s.Remembered+s.Shared != 199 || s.Remembered == 0 || s.Shared == 0 {
					t.Errorf("%d loads, Stats() = %+v", runs, s)
				}
			})
		})
	}
}

// A batch that asks Redis about one of its keys, while the load of another one fails, does not
// load that again.
func TestErrorTTLOfABatchThatLooksAtOtherKeys(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{ErrorTTL: 10 * time.Second, RedisTimeout: time.Minute})
		_, err := c.GetOrSet(t.Context(), "other", failing[string](errBoom))
		wantFresh(t, "other", err, errBoom)
		var calls sync.WaitGroup
		calls.Go(func() {
			_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(1500 * time.Millisecond); return "", errBoom })
			wantFresh(t, "k", err, errBoom)
		})
		synctest.Wait()
		f.delay(func(string) time.Duration { return time.Second }, nil)
		calls.Go(func() { // it reads for one second, and looks at other's key for another one
			_, err := c.GetOrSetMany(t.Context(), []string{"k", "other"}, func(_ context.Context, keys []string) (map[string]string, error) {
				t.Errorf("a load of %q began", keys)
				return nil, nil
			})
			var some *cache.BatchError[string]
			if !errors.As(err, &some) || len(some.Errs) != 2 {
				t.Fatalf("the batch: %v", err)
			}
			wantRemembered(t, "k in the batch", some.Errs["k"], errBoom, time.Now().Add(-500*time.Millisecond))
		})
		time.Sleep(1200 * time.Millisecond)
		f.delay(nil, nil)
		calls.Wait()
	})
}

// A source that has answered since is asked again: here a load that began without Redis.
func TestErrorTTLEndsWithALoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{ErrorTTL: 10 * time.Second})
		var calls sync.WaitGroup
		calls.Go(func() {
			_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(2 * time.Second); return "", errBoom })
			wantFresh(t, "the load with Redis", err, errBoom)
		})
		synctest.Wait()
		env.Mini.SetError("LOADING of this test")
		calls.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(4 * time.Second); return "v", nil })
			want(t, "the load without Redis", v, err, "v")
		})
		calls.Wait()
		env.Mini.SetError("")
		env.Advance(t, time.Hour) // the lease could not be released
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("w", &runs))
		want(t, "the next load", v, err, "w")
	})
}
