package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// many makes a batch loader of a loader, which is called once for all keys.
func many[V any](load loader.Func[string, V]) loader.BatchFunc[string, V] {
	return func(ctx context.Context, keys []string) (map[string]V, error) {
		v, err := load(ctx, keys[0])
		if err != nil {
			return nil, err
		}
		values := make(map[string]V)
		for _, key := range keys {
			values[key] = v
		}
		return values, nil
	}
}

// loads reports whether a method of calls loads what Redis does not have.
func loads(method string) bool { return strings.HasPrefix(method, "GetOrSet") }

// keys is how many keys a method of calls has.
func keys(method string) int {
	if strings.Contains(strings.ToLower(method), "many") {
		return 2
	}
	return 1
}

// calls returns a call of every method that waits for Redis.
func calls(c *cache.Cache[string, string], load loader.Func[string, string]) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"GetOrSet": func(ctx context.Context) error { _, err := c.GetOrSet(ctx, "k", load); return err },
		"GetOrSetEntry": func(ctx context.Context) error {
			_, err := c.GetOrSetEntry(ctx, "k", func(ctx context.Context, key string) (loader.Entry[string], error) {
				v, err := load(ctx, key)
				return loader.Entry[string]{Value: v}, err
			})
			return err
		},
		"Get":         func(ctx context.Context) error { _, _, err := c.Get(ctx, "k"); return err },
		"Entry":       func(ctx context.Context) error { _, err := c.Entry(ctx, "k"); return err },
		"Set":         func(ctx context.Context) error { return c.Set(ctx, "k", "v") },
		"SetIfAbsent": func(ctx context.Context) error { _, err := c.SetIfAbsent(ctx, "k", "v"); return err },
		"SetAbsent":   func(ctx context.Context) error { return c.SetAbsent(ctx, "k") },
		"Delete":      func(ctx context.Context) error { return c.Delete(ctx, "k") },
		"Touch":       func(ctx context.Context) error { _, err := c.Touch(ctx, "k"); return err },
		"Refresh":     func(ctx context.Context) error { _, err := c.Refresh(ctx, "k", load); return err },
		"GetMany":     func(ctx context.Context) error { _, err := c.GetMany(ctx, []string{"k", "l"}); return err },
		"GetOrSetMany": func(ctx context.Context) error {
			_, err := c.GetOrSetMany(ctx, []string{"k", "l"}, many(load))
			return err
		},
		"SetMany":    func(ctx context.Context) error { return c.SetMany(ctx, map[string]string{"k": "v", "l": "w"}) },
		"DeleteMany": func(ctx context.Context) error { return c.Delete(ctx, "k", "l") },
	}
}

// silences are the ways in which a server that is there does not answer.
func silences(t *testing.T, f *faults) map[string]func(change ...func(*redis.UniversalOptions)) redis.UniversalClient {
	type clientFunc = func(change ...func(*redis.UniversalOptions)) redis.UniversalClient
	return map[string]clientFunc{
		"a connection that goes silent": func(change ...func(*redis.UniversalOptions)) redis.UniversalClient {
			rdb := f.client(t, change...)
			if err := rdb.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			f.freeze()
			return rdb
		},
		"a greeting without an answer": func(change ...func(*redis.UniversalOptions)) redis.UniversalClient {
			f.freeze()
			return f.client(t, change...)
		},
		"a connection that is not accepted": func(change ...func(*redis.UniversalOptions)) redis.UniversalClient {
			return f.client(t, append(change, func(o *redis.UniversalOptions) {
				o.Dialer = faultnet.Hanging
			})...)
		},
	}
}

var modes = map[string]func(*redis.UniversalOptions){
	"client":         func(*redis.UniversalOptions) {},
	"heedful client": func(o *redis.UniversalOptions) { o.ContextTimeoutEnabled = true },
	"cluster client": func(o *redis.UniversalOptions) { o.IsClusterMode = true },
}

// quiet runs test on a cache whose server never answers, for each kind of client,
// silence and method.
func quiet(t *testing.T, cfg cache.Config[string, string], test func(t *testing.T, method string, call func(context.Context) error)) {
	for mode, change := range modes {
		for _, silence := range []string{"a connection that goes silent", "a greeting without an answer", "a connection that is not accepted"} {
			for method := range calls(nil, nil) {
				t.Run(mode+"/"+silence+"/"+method, func(t *testing.T) {
					bubble(t, func(t *testing.T, env *redistest.Env) {
						f := newFaults(t, env)
						c := open(t, silences(t, f)[silence](change), cfg)
						runs := 0
						test(t, method, calls(c, value("v", &runs))[method])
						f.thaw()
						_ = c.Close()         // which dials as well
						time.Sleep(time.Hour) // go-redis dials on after its callers have left, up to 20 times 5 s for each
					})
				})
			}
		}
	}
}

// A caller leaves at its own deadline while Redis is silent, to the nanosecond.
func TestG3DeadlineWhileRedisIsSilent(t *testing.T) {
	quiet(t, cache.Config[string, string]{RedisTimeout: time.Hour}, func(t *testing.T, method string, call func(context.Context) error) {
		const limit = 70 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		began := time.Now()
		err := call(ctx)
		if took := time.Since(began); took != limit {
			t.Errorf("returned after %v, want %v", took, limit)
		}
		e := (*cache.Error)(nil)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || e.Kind != context.DeadlineExceeded {
			t.Errorf("error %v, want an *Error that is the context's", err)
		}
	})
}

// A caller that is cancelled leaves after RedisTimeout at the latest.
func TestG3CancellationWhileRedisIsSilent(t *testing.T) {
	quiet(t, cache.Config[string, string]{}, func(t *testing.T, method string, call func(context.Context) error) {
		cause := errors.New("the caller's reason")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer time.AfterFunc(100*time.Millisecond, func() { cancel(cause) }).Stop()
		began := time.Now()
		err := call(ctx)
		if took := time.Since(began); took > time.Second {
			t.Errorf("returned after %v, want at most RedisTimeout", took)
		}
		if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Errorf("error %v, want Canceled and its cause", err)
		}
	})
}

// The same where the pool has no connection to give. go-redis waits for one with
// timers that no bubble can have.
func TestG3DeadlineWhileThePoolIsExhausted(t *testing.T) {
	for mode, change := range modes {
		t.Run(mode, func(t *testing.T) {
			f := newFaults(t, redistest.Mini(t))
			rdb := f.client(t, change, func(o *redis.UniversalOptions) {
				o.PoolSize, o.PoolTimeout, o.ReadTimeout, o.WriteTimeout = 1, time.Hour, time.Hour, time.Hour
			})
			if err := rdb.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			f.freeze()
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				rdb.Ping(background)
			}()
			runs := 0
			for method := range calls(nil, nil) {
				// Where a write has failed, no read of the key asks Redis.
				c := open(t, rdb, cache.Config[string, string]{Name: method})
				call := calls(c, value("v", &runs))[method]
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: error %v, want DeadlineExceeded", method, err)
				}
				cancel()
			}
			f.thaw()
			<-gone
		})
	}
}

// A context that has ended before the call sends nothing.
func TestG3EndedContext(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		if err := c.Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for method, call := range calls(c, never[string](t)) {
			if err := call(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error %v, want Canceled", method, err)
			}
		}
		wantGet(t, c, "k", &[]string{"old"}[0])
	})
}

// leaves checks that call returns at its deadline, and at its cancellation, at once.
func leaves(t *testing.T, what string, call func(context.Context) error) {
	t.Helper()
	const limit = 30 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != limit {
		t.Errorf("%s with a deadline of %v: %v after %v", what, limit, err, time.Since(began))
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(limit, cancel)
	began = time.Now()
	if err := call(ctx); !errors.Is(err, context.Canceled) || time.Since(began) != limit {
		t.Errorf("%s cancelled after %v: %v after %v", what, limit, err, time.Since(began))
	}
}

func TestG3LeavesALoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1})
		stubborn := func(context.Context, string) (string, error) { // does not care for its context
			time.Sleep(10 * time.Second)
			return "v", nil
		}
		leaves(t, "the leader of a load", func(ctx context.Context) error { _, err := c.GetOrSet(ctx, "leader", stubborn); return err })
		time.Sleep(20 * time.Second)

		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", stubborn)
			want(t, "GetOrSet", v, err, "v")
		})
		synctest.Wait()
		leaves(t, "a follower of a load", func(ctx context.Context) error { _, err := c.GetOrSet(ctx, "k", never[string](t)); return err })
		leaves(t, "a refresh behind a load", func(ctx context.Context) error { _, err := c.Refresh(ctx, "k", never[string](t)); return err })
		leaves(t, "a load beyond MaxLoads", func(ctx context.Context) error { _, err := c.GetOrSet(ctx, "other", never[string](t)); return err })
		wg.Wait()
	})
}
