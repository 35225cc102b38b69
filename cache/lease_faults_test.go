package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// An acquisition that is answered too late leaves a lease behind, for which all others
// wait until it ends.
func TestLeaseLateAnswerLeavesALease(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: 100 * time.Millisecond})
		another := open(t, env.Client, cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" {
				return 150 * time.Millisecond
			}
			return 0
		}, nil)
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet while Redis is slow", v, err, "v")
		f.delay(nil, nil)
		time.Sleep(500 * time.Millisecond)
		if got := env.Client.Get(t.Context(), control("test:k")).Val(); got != "" {
			t.Error("a lease was left behind")
		}
		began := time.Now()
		v, err = another.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet", v, err, "v")
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it waited %v for nobody", took)
		}
	})
}

// The server does not know the scripts yet, and the process does not come to its second
// attempt: what it has staged stays for ever.
func TestLeaseStagedWithoutLife(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, map[string]string]{Codec: testcache.BigHash{}})
		v := map[string]string{}
		for i := range 2500 {
			v[fmt.Sprint("field", i)] = "value"
		}
		_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (map[string]string, error) {
			f.delay(func(command string) time.Duration { // from here on
				if command == "SCRIPT" {
					return time.Hour
				}
				return 0
			}, nil)
			return v, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		f.delay(nil, nil)
		time.Sleep(10 * time.Minute)
		for _, key := range env.Keys(t) {
			t.Errorf("%s is still there, with the life %v", key, env.Client.PTTL(t.Context(), key).Val())
		}
	})
}

// The only caller leaves while the lease is being obtained: no load begins.
func TestLeaseNoLoadForNobody(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" {
				return 100 * time.Millisecond
			}
			return 0
		}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		v, err := c.GetOrSet(ctx, "k", never[string](t))
		wantError(t, "GetOrSet", v, err, context.DeadlineExceeded)
		time.Sleep(time.Second)
	})
}

// One renewal is lost, and no answer comes: "a lease outlives two of them".
func TestLeaseOneLostRenewal(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		f.slow(time.Millisecond)
		c := open(t, f.client(t), cache.Config[string, string]{})
		another := open(t, env.Client, cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		v, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			var lost atomic.Bool
			f.delay(func(command string) time.Duration {
				if command == "EVALSHA" && !lost.Swap(true) {
					return 20 * time.Second
				}
				return 0
			}, func() time.Duration { return time.Millisecond })
			time.Sleep(4 * time.Second)
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if _, err := another.GetOrSet(ctx, "k", never[string](t)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("another process got the lease of a load that is under way: %v", err)
			}
			return "v", nil
		})
		want(t, "GetOrSet", v, err, "v")
		time.Sleep(time.Minute)
	})
}

// A refresh whose stores are refused waits for Redis longer than RedisTimeout.
func TestLeaseRefreshWaitsTooLong(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" || command == "UNLINK" {
				return 240 * time.Millisecond
			}
			return 0
		}, nil)
		began, n := time.Now(), 0
		_, err := c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			n++
			return "v", env.Client.Set(ctx, olderKey, n, time.Duration(n)*time.Minute).Err()
		})
		if took := time.Since(began); took > time.Second {
			t.Errorf("it waited %v for Redis (%v)", took, err)
		}
	})
}

// A call without room under MaxLoads gives its lease back in time that is not counted.
func TestLeaseNoRoomWaitsTooLong(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second, MaxLoads: 1})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		release := make(chan struct{})
		go func() {
			_, _ = c.GetOrSet(t.Context(), "long", func(context.Context, string) (string, error) { <-release; return "v", nil })
		}()
		synctest.Wait()
		var n atomic.Int64
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" {
				if n.Add(1) == 2 { // the lease is given back
					close(release) // there is room now: nothing but Redis is waited for
				}
				return 300 * time.Millisecond
			}
			return 0
		}, nil)
		began := time.Now()
		_, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		if took := time.Since(began); took > time.Second {
			t.Errorf("it waited %v for Redis (%v)", took, err)
		}
	})
}

// A refresh is under way: what was there before is still there.
func TestLeaseRefreshHidesMarks(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, map[string]string]{Codec: testcache.BigHash{}})
		another := open(t, env.Client, cache.Config[string, map[string]string]{Codec: testcache.BigHash{}})
		empty := map[string]string{}
		if err := c.Set(t.Context(), "empty", empty); err != nil {
			t.Fatal(err)
		}
		if err := c.SetAbsent(t.Context(), "absent"); err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		for _, key := range []string{"empty", "absent"} {
			go func() {
				_, _ = c.Refresh(t.Context(), key, func(context.Context, string) (map[string]string, error) { <-release; return nil, errBoom })
			}()
		}
		synctest.Wait()
		wantGet(t, another, "empty", &empty)
		wantState(t, another, "absent", cache.Absent)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := another.GetOrSet(ctx, "absent", never[map[string]string](t))
		if !errors.Is(err, cache.ErrNotFound) {
			t.Errorf("GetOrSet of what is known not to exist: %v", err)
		}
		stored, err := another.SetIfAbsent(t.Context(), "empty", map[string]string{"a": "b"})
		if stored || err != nil {
			t.Errorf("SetIfAbsent of an empty value = %v, %v", stored, err)
		}
		close(release)
	})
}

// The life of a mark that a failed refresh puts back.
func TestLeaseMarkIsNotLengthened(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		_, _ = c.Refresh(t.Context(), "other", failing[string](errBoom))
		if err := c.SetAbsent(t.Context(), "k", cache.TTL(10*time.Second)); err != nil {
			t.Fatal(err)
		}
		ends := time.Now().Add(env.Client.PTTL(t.Context(), control("test:k")).Val())
		_, _ = c.Refresh(t.Context(), "k", func(context.Context, string) (string, error) {
			f.delay(func(string) time.Duration { return 800 * time.Millisecond }, nil)
			return "", errBoom
		})
		f.delay(nil, nil)
		if now := time.Now().Add(env.Client.PTTL(t.Context(), control("test:k")).Val()); now.After(ends) {
			t.Errorf("it lives %v longer", now.Sub(ends))
		}
	})
}

// An observer that calls runtime.Goexit, or is slow, after a lease was granted.
func TestLeaseObserverBetweenGrantAndLoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Observer: cache.Observer{
			Lookup: func(context.Context, cache.LookupEvent) { runtime.Goexit() },
		}})
		_, _ = get(c, t.Context(), "k", never[string](t))
		synctest.Wait()
		if got := env.Client.Get(t.Context(), control("test:k")).Val(); got != "" {
			t.Error("a lease was left behind")
		}
	})
}

// A repeated acquisition that finds a value leaves the lease that it had obtained.
func TestLeaseRepeatedAcquireFindsAValue(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t, func(o *redis.UniversalOptions) { o.ReadTimeout = 100 * time.Millisecond }), cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		var reads atomic.Int64              // of the late answer: go-redis peeks first, and does not mind an error then
		f.delay(nil, func() time.Duration { // the answer of the acquisition is late
			if reads.Load() == 1 {
				reads.Add(1)
				return time.Second
			}
			if reads.Load() == 0 && strings.HasPrefix(env.Client.Get(context.Background(), control("test:k")).Val(), "L") {
				reads.Store(1)
				env.Client.Set(context.Background(), olderKey, "written", time.Hour)
				return time.Second
			}
			return 0
		})
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet", v, err, "written")
		synctest.Wait()
		if got := env.Client.Get(t.Context(), control("test:k")).Val(); got != "" {
			t.Error("a lease was left behind")
		}
	})
}

// A value whose life is prolonged while it is refreshed has not changed.
func TestLeaseTouchDuringARefresh(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		if err := c.Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		runs := 0
		v, err := c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			runs++
			_, err := c.Touch(ctx, "k", cache.TTL(time.Duration(runs)*2*time.Hour))
			return "new", err
		})
		want(t, "Refresh", v, err, "new")
		if runs != 1 {
			t.Errorf("%d loads, want one", runs)
		}
		wantGet(t, c, "k", &v)
	})
}

// Close comes while the lease is being obtained: no load begins.
func TestLeaseNoLoadAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value("v", &runs))
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" {
				return 100 * time.Millisecond
			}
			return 0
		}, nil)
		time.AfterFunc(50*time.Millisecond, func() { _ = c.Close() })
		v, err := c.GetOrSet(t.Context(), "k", never[string](t))
		wantError(t, "GetOrSet", v, err, cache.ErrClosed)
		time.Sleep(time.Second)
	})
}

// A broken entry with a strange life heals.
func TestLeaseBrokenEntryWithAStrangeLifeHeals(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, int]{})
		for _, at := range []int64{1 << 53, 1<<53 + 1, 1 << 62, 1<<63 - 513, 1<<63 - 1} {
			if err := env.Client.Set(t.Context(), olderKey, "no number", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if err := env.Client.Do(t.Context(), "pexpireat", olderKey, at).Err(); err != nil {
				continue // refused
			}
			runs := 0
			for range 2 {
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (int, error) {
					runs++
					time.Sleep(20 * time.Millisecond)
					return 7, nil
				})
				want(t, "GetOrSet", v, err, 7)
			}
			if runs != 1 {
				t.Errorf("expiry %d: %d loads, want one", at, runs)
			}
		}
	})
}

// A broken entry is read once more when its lease was granted. When that fails, the lease
// is given back: it would be renewed until the process ends, and Close would wait for it.
func TestLeaseOfABrokenEntryThatCannotBeReadAgain(t *testing.T) {
	calls := map[string]func(context.Context, *cache.Cache[string, int]) error{
		"GetOrSet": func(ctx context.Context, c *cache.Cache[string, int]) error {
			_, err := c.GetOrSet(ctx, "k", func(context.Context, string) (int, error) { return 7, nil })
			return err
		},
		"GetOrSetMany": func(ctx context.Context, c *cache.Cache[string, int]) error {
			_, err := c.GetOrSetMany(ctx, []string{"k"}, func(context.Context, []string) (map[string]int, error) {
				return map[string]int{"k": 7}, nil
			})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				c := open(t, f.client(t), cache.Config[string, int]{RedisTimeout: 100 * time.Millisecond})
				if err := env.Client.Set(t.Context(), "test:k", "no number", time.Hour).Err(); err != nil {
					t.Fatal(err)
				}
				var granted atomic.Bool
				f.delay(func(command string) time.Duration {
					switch command {
					case "EVALSHA", "EVAL":
						granted.Store(true)
					case "GET", "MGET":
						if granted.Load() {
							return time.Second
						}
					}
					return 0
				}, nil)
				if err := call(t.Context(), c); err != nil {
					t.Error(err)
				}
				f.delay(nil, nil)
				time.Sleep(10 * time.Second)
				if left := env.Keys(t); len(left) != 1 {
					t.Errorf("%q is left", left)
				}
			})
		})
	}
}
