package cache_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// ledger loads each key as its own value, in the time it takes, and counts the loads of
// each.
type ledger struct {
	takes time.Duration
	mu    sync.Mutex
	calls int
	loads map[string]int
}

func (l *ledger) note(keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loads == nil {
		l.loads = make(map[string]int)
	}
	l.calls++
	for _, key := range keys {
		l.loads[key]++
	}
}

func (l *ledger) many(ctx context.Context, keys []string) (map[string]string, error) {
	l.note(keys...)
	values := make(map[string]string)
	for _, key := range keys {
		values[key] = "v" + key
	}
	if l.takes == 0 { // no timer that is due at once: see CONTRIBUTING.md
		return values, nil
	}
	select {
	case <-time.After(l.takes):
		return values, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *ledger) one(ctx context.Context, key string) (string, error) {
	values, err := l.many(ctx, []string{key})
	return values[key], err
}

// wantOnce checks that each key was loaded once, in so many calls.
func (l *ledger) wantOnce(t testing.TB, calls int, keys ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls != calls {
		t.Errorf("the loaders were called %d times, want %d", l.calls, calls)
	}
	for _, key := range keys {
		if l.loads[key] != 1 {
			t.Errorf("%q was loaded %d times, want once", key, l.loads[key])
		}
	}
}

func wantKeys(t testing.TB, what string, got map[string]string, err error, keys ...string) {
	t.Helper()
	wanted := make(map[string]string)
	for _, key := range keys {
		wanted[key] = "v" + key
	}
	want(t, what, got, err, wanted)
}

// Batches that overlap in opposite orders, and single calls, share one load a key: in one
// process, and in two.
func TestManySharesLoads(t *testing.T) {
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				caches := make([]*cache.Cache[string, string], processes)
				for i := range caches {
					caches[i] = open(t, env.Client, cache.Config[string, string]{})
				}
				l := ledger{takes: time.Second}
				began := time.Now()
				var wg sync.WaitGroup
				batch := func(i int, keys ...string) {
					wg.Go(func() {
						got, err := caches[i%processes].GetOrSetMany(t.Context(), keys, l.many)
						wantKeys(t, "GetOrSetMany", got, err, keys...)
					})
					synctest.Wait()
				}
				single := func(i int, key string) {
					wg.Go(func() {
						v, err := caches[i%processes].GetOrSet(t.Context(), key, l.one)
						want(t, "GetOrSet", v, err, "v"+key)
					})
					synctest.Wait()
				}
				single(0, "a")
				batch(1, "a", "b", "c")
				batch(0, "c", "b", "d", "a")
				batch(1, "d", "c", "e")
				batch(0, "e", "a")
				single(1, "c")
				single(0, "e")
				wg.Wait()
				l.wantOnce(t, 4, "a", "b", "c", "d", "e")
				if took := time.Since(began); took > 1200*time.Millisecond {
					t.Errorf("it took %v, one load after the other", took)
				}
			})
		})
	}
}

// Of a batch of which others load a part, the rest is loaded and stored at once: a caller that waits
// for that must not wait for the others.
func TestManyStoresBeforeItWaits(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, another := open(t, env.Client, cache.Config[string, string]{}), open(t, env.Client, cache.Config[string, string]{})
		slow, quick := ledger{takes: 10 * time.Second}, ledger{takes: time.Second}
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			v, err := another.GetOrSet(t.Context(), "slow", slow.one)
			want(t, "GetOrSet of the other process", v, err, "vslow")
		})
		synctest.Wait()
		began := time.Now()
		wg.Go(func() {
			got, err := c.GetOrSetMany(t.Context(), []string{"slow", "quick"}, quick.many)
			wantKeys(t, "GetOrSetMany", got, err, "slow", "quick")
			if took := time.Since(began); took < 9*time.Second || took > 12*time.Second {
				t.Errorf("the batch took %v", took)
			}
		})
		synctest.Wait()
		for _, c := range []*cache.Cache[string, string]{c, another} {
			v, err := c.GetOrSet(t.Context(), "quick", quick.one)
			want(t, "GetOrSet", v, err, "vquick")
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("it waited %v for a load of a second", took)
			}
		}
	})
}

// A caller that waits, in this process, for a key that a batch waits for itself gets it as soon as it
// is there, whatever else the batch loads.
func TestManyWaitsWhileItLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, another := open(t, env.Client, cache.Config[string, string]{}), open(t, env.Client, cache.Config[string, string]{})
		slow, quick := ledger{takes: 10 * time.Second}, ledger{takes: time.Second}
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _, _ = another.GetOrSet(t.Context(), "quick", quick.one) })
		synctest.Wait()
		began := time.Now()
		wg.Go(func() {
			got, err := c.GetOrSetMany(t.Context(), []string{"slow", "quick"}, slow.many)
			wantKeys(t, "GetOrSetMany", got, err, "slow", "quick")
		})
		synctest.Wait()
		v, err := c.GetOrSet(t.Context(), "quick", never[string](t))
		want(t, "GetOrSet", v, err, "vquick")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it waited %v for a load of a second", took)
		}
		slow.wantOnce(t, 1, "slow")
	})
}

// A process that holds leases and dies costs a batch one lease, and one more load.
func TestManyOutlivesADeadHolder(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		for _, key := range []string{"a", "b"} {
			if err := env.Client.Set(t.Context(), control("test:"+key), "L0123456789abcdef", 3*time.Second).Err(); err != nil {
				t.Fatal(err)
			}
		}
		l := ledger{takes: time.Millisecond}
		began := time.Now()
		got, err := c.GetOrSetMany(t.Context(), []string{"a", "b", "c"}, l.many)
		wantKeys(t, "GetOrSetMany", got, err, "a", "b", "c")
		l.wantOnce(t, 2, "a", "b", "c")
		if took := time.Since(began); took > 3100*time.Millisecond {
			t.Errorf("it took %v, want one lease", took)
		}
	})
}

// A write during a load is for its own key: the others are stored.
func TestManyWritesDuringALoad(t *testing.T) {
	writes := map[string]func(context.Context, *cache.Cache[string, string]) error{
		"Delete": func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Delete(ctx, "a", "unknown") },
		"Set":    func(ctx context.Context, c *cache.Cache[string, string]) error { return c.Set(ctx, "a", "written") },
		"SetMany": func(ctx context.Context, c *cache.Cache[string, string]) error {
			return c.SetMany(ctx, map[string]string{"a": "written"})
		},
	}
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, write := range writes {
			for _, elsewhere := range []bool{false, true} {
				for _, lease := range []time.Duration{0, cache.Off} {
					if elsewhere && lease == cache.Off {
						continue // nothing is promised then
					}
					t.Run(fmt.Sprint(name, elsewhere, lease), func(t *testing.T) {
						env.FlushAll(t)
						c := open(t, env.Client, cache.Config[string, string]{Lease: lease})
						writer := c
						if elsewhere {
							writer = open(t, env.Client, cache.Config[string, string]{})
						}
						got, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, func(ctx context.Context, keys []string) (map[string]string, error) {
							return map[string]string{"a": "older", "b": "vb"}, write(ctx, writer)
						})
						want(t, "GetOrSetMany", got, err, map[string]string{"a": "older", "b": "vb"})
						wanted := map[string]string{"a": "written", "b": "vb"}
						if name == "Delete" {
							delete(wanted, "a")
						}
						got, err = writer.GetMany(t.Context(), []string{"a", "b"})
						want(t, "GetMany", got, err, wanted)
						if s := c.Stats(); s.Fenced != 1 {
							t.Errorf("Stats = %+v", s)
						}
					})
				}
			}
		}
	})
}

// The results come in the order of the keys, each once.
func TestAll(t *testing.T) {
	var got []string
	for key, v := range cache.All([]string{"c", "a", "c", "missing", "b"}, map[string]int{"a": 1, "b": 2, "c": 3, "other": 4}) {
		got = append(got, fmt.Sprint(key, v))
	}
	if want := []string{"c3", "a1", "b2"}; !slices.Equal(got, want) {
		t.Errorf("All yields %v, want %v", got, want)
	}
	for range cache.All([]int{1, 2}, map[int]int{1: 1, 2: 2}) {
		break
	}
}
