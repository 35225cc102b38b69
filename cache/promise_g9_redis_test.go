package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A call waits for a silent Redis no longer than RedisTimeout, whatever it does:
// all its commands together.
func TestG9SilentRedis(t *testing.T) {
	for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
		quiet(t, cache.Config[string, string]{OnRedisError: policy}, func(t *testing.T, method string, call func(context.Context) error) {
			began := time.Now()
			err := call(t.Context())
			if took := time.Since(began); took != time.Second {
				t.Errorf("returned after %v, want RedisTimeout", took)
			}
			switch e := (*cache.Error)(nil); {
			case loads(method) && policy == cache.LoadThrough:
				if err != nil {
					t.Errorf("error %v, want the loader's value", err)
				}
			case !errors.Is(err, cache.ErrRedis) || !errors.As(err, &e) || !strings.HasPrefix(method, string(e.Op)):
				t.Errorf("error %v, want an *Error of kind ErrRedis", err)
			}
		})
	}
}

// Every answer takes a while: whatever that is, a call waits no longer than its
// load and RedisTimeout.
func TestG9SlowRedis(t *testing.T) {
	for mode, change := range modes {
		for _, answer := range []time.Duration{90, 240, 260, 330, 340, 490, 510, 990, 1010, 2500} {
			for method := range calls(nil, nil) {
				t.Run(fmt.Sprintf("%s/%dms/%s", mode, answer, method), func(t *testing.T) {
					bubble(t, func(t *testing.T, env *redistest.Env) {
						f := newFaults(t, env)
						rdb := f.client(t, change)
						if err := rdb.Ping(t.Context()).Err(); err != nil {
							t.Fatal(err)
						}
						f.slow(answer * time.Millisecond)
						c := open(t, rdb, cache.Config[string, string]{})
						const load = 3 * time.Second
						loaded := false
						began := time.Now()
						_ = calls(c, func(context.Context, string) (string, error) {
							loaded = true
							time.Sleep(load)
							return "v", nil
						})[method](t.Context())
						took := time.Since(began)
						if loaded {
							took -= load
						}
						if took > time.Second {
							t.Errorf("waited for Redis for %v, want at most RedisTimeout", took)
						}
						f.slow(0)
						time.Sleep(time.Minute)
					})
				})
			}
		}
	}
}

// A Redis that refuses connections costs a call a part of RedisTimeout, and the error says
// that it refuses them.
func TestG9RefusedConnections(t *testing.T) {
	for mode, change := range modes {
		for method := range calls(nil, nil) {
			t.Run(mode+"/"+method, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					f := newFaults(t, env)
					var r recorder
					c := open(t, f.client(t, change), cache.Config[string, string]{Observer: r.observer()})
					f.refuse(true)
					began := time.Now()
					runs := 0
					err := calls(c, value("v", &runs))[method](t.Context())
					if took := time.Since(began); took > time.Second/2 {
						t.Errorf("returned after %v, want well below RedisTimeout", took)
					}
					if loads(method) != (err == nil) || err != nil && !errors.Is(err, cache.ErrRedis) {
						t.Errorf("error %v", err)
					}
					if errs := r.take().errors; len(errs) != keys(method) || c.Stats().RedisErrors != uint64(keys(method)) {
						t.Errorf("the observer heard %v, Stats count %d; want one failure a key, and no second question", errs, c.Stats().RedisErrors)
					} else if text := errs[0].Error(); !strings.HasSuffix(text, ": redis failed: dial tcp: connection refused") {
						t.Errorf("the observer heard %q", text)
					}
					f.refuse(false)
					time.Sleep(time.Minute)
				})
			})
		}
	}
}

// While Redis is away there is still one load per key, at most MaxLoads at once;
// afterwards everything is as before.
func TestG9OutageAndRecovery(t *testing.T) {
	for name, outage := range map[string]struct{ begin, end func(f *faults) }{
		"silent":  {(*faults).freeze, (*faults).thaw},
		"refused": {func(f *faults) { f.refuse(true) }, func(f *faults) { f.refuse(false) }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				c := open(t, f.client(t), cache.Config[string, string]{MaxLoads: 3, OnRedisError: cache.LoadThrough})
				if err := c.Set(t.Context(), "before", "v"); err != nil {
					t.Fatal(err)
				}
				outage.begin(f)
				most := loadMany(t, c)
				if most != 3 {
					t.Errorf("%d loads at once, want MaxLoads", most)
				}
				if s := c.Stats(); s.Loads != 10 || s.Stores != 1 {
					t.Errorf("Stats = %+v, want 10 loads of 10 keys", s)
				}
				outage.end(f)
				time.Sleep(time.Minute)
				wantGet(t, c, "before", &[]string{"v"}[0])
				runs := 0
				v, err := c.GetOrSet(t.Context(), "after", value("v", &runs))
				want(t, "GetOrSet after the outage", v, err, "v")
				wantGet(t, c, "after", &v)
			})
		})
	}
}

// loadMany calls GetOrSet 20 times for each of 10 keys and returns how many loads
// ran at once.
func loadMany(t *testing.T, c *cache.Cache[string, string]) (most int) {
	var mu sync.Mutex
	running := 0
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			key := fmt.Sprint("k", i%10)
			v, err := c.GetOrSet(t.Context(), key, func(_ context.Context, key string) (string, error) {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(5 * time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return key, nil
			})
			want(t, "GetOrSet without Redis", v, err, key)
		})
	}
	wg.Wait()
	return most
}

func TestG9FailDoesNotLoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{OnRedisError: cache.Fail})
		f.refuse(true)
		v, err := c.GetOrSet(t.Context(), "k", never[string](t))
		wantError(t, "GetOrSet", v, err, cache.ErrRedis)
		f.refuse(false)
		time.Sleep(time.Minute)

		// A value that was loaded is returned, stored or not.
		v, err = c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
			f.refuse(true)
			return "v", nil
		})
		want(t, "GetOrSet whose store fails", v, err, "v")
		f.refuse(false)
		time.Sleep(time.Minute)
		wantGet(t, c, "k", nil)
	})
}

// Redis comes back while the source is asked: the value is stored.
func TestG9StoredWhenRedisFailsAndAnswersAgain(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{LoadTimeout: time.Hour})
		if err := c.Set(t.Context(), "other", "v"); err != nil {
			t.Fatal(err)
		}
		v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
			f.refuse(true)
			time.Sleep(time.Second)
			f.refuse(false)
			time.Sleep(time.Minute)
			return "v", nil
		})
		want(t, "GetOrSet", v, err, "v")
		wantGet(t, c, "k", &v)
	})
}

// Deletes of many keys name those that Redis did not confirm.
func TestG9DeleteThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t, func(o *redis.UniversalOptions) { o.MaxRetries = -1 }), cache.Config[string, string]{})
		f.refuse(true)
		err := c.Delete(t.Context(), "a", "b")
		var batch *cache.BatchError[string]
		if !errors.As(err, &batch) || len(batch.Errs) != 2 || !errors.Is(batch.Errs["a"], cache.ErrRedis) || !errors.Is(err, cache.ErrRedis) {
			t.Errorf("Delete of two keys: %v, want a *BatchError of both", err)
		}
		f.refuse(false)
		time.Sleep(time.Minute)
	})
}
