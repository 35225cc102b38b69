package cache_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// RedisTimeout is for one answer: batches that need many, and longer than that in all, are whole.
func TestManyKeysHaveTimeForEachTrip(t *testing.T) {
	const n = 5000
	values, keys := make(map[string]string, n), make([]string, n)
	for i := range keys {
		keys[i] = string(rune('a' + i))
		values[keys[i]] = "v"
	}
	for name, lease := range map[string]time.Duration{"leases": time.Minute, "no leases": cache.Off} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				c := open(t, f.client(t), cache.Config[string, string]{Lease: lease, RedisTimeout: 200 * time.Millisecond})
				learnScripts(t, c)
				f.delay(func(command string) time.Duration {
					switch command {
					case "MGET", "DEL": // of which there is one in a round trip
						return 60 * time.Millisecond
					case "EVALSHA": // ten, or twenty where it is not known
						return 7 * time.Millisecond
					}
					return 0
				}, nil)
				loads := 0
				load := func(_ context.Context, keys []string) (map[string]string, error) {
					loads += len(keys)
					return values, nil
				}
				began := time.Now()
				for range 2 {
					got, err := c.GetOrSetMany(t.Context(), keys, load)
					if err != nil || len(got) != n || loads != n {
						t.Fatalf("GetOrSetMany: %d values and %d loads of %d keys, %v", len(got), loads, n, err)
					}
				}
				if err := c.SetMany(t.Context(), values); err != nil {
					t.Fatal(err)
				}
				if err := c.Delete(t.Context(), keys...); err != nil {
					t.Fatal(err)
				}
				if got, err := c.GetMany(t.Context(), keys); err != nil || len(got) != 0 {
					t.Errorf("GetMany after Delete: %d values, %v", len(got), err)
				}
				if took := time.Since(began); took < time.Second {
					t.Errorf("it took %v, which shows nothing", took)
				}
			})
		})
	}
}

// A Redis that hangs is waited for once, however many round trips were to come.
func TestManyKeysOfARedisThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: 200 * time.Millisecond})
		learnScripts(t, c)
		f.delay(func(string) time.Duration { return time.Minute }, nil)
		keys := make([]string, 5000)
		for i := range keys {
			keys[i] = string(rune('a' + i))
		}
		began := time.Now()
		_, err := c.GetMany(t.Context(), keys)
		f.delay(func(string) time.Duration { return 0 }, nil)
		if took := time.Since(began); err == nil || took > 250*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// Without leases a batch looks at values and control keys at once, and stores by plain commands,
// the control keys first.
func TestManyKeysWithoutLeases(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: cache.Off})
		learnScripts(t, c)
		if err := c.SetAbsent(t.Context(), "absent"); err != nil {
			t.Fatal(err)
		}
		var log commandLog
		log.keep(f, 0, 0)
		loaded := []string(nil)
		ask := func(wanted ...string) {
			t.Helper()
			got, err := c.GetOrSetMany(t.Context(), []string{"a", "absent", "b"}, func(_ context.Context, keys []string) (map[string]string, error) {
				loaded = append(loaded, keys...)
				return map[string]string{"a": "1", "b": "2"}, nil
			})
			if err != nil || len(got) != 2 || got["a"] != "1" || got["b"] != "2" {
				t.Fatalf("%v, %v", got, err)
			}
			if got := log.take(); !slices.Equal(got, wanted) {
				t.Errorf("%v, want %v", got, wanted)
			}
		}
		ask("MGET", "DEL", "SET", "SET")
		ask("MGET")
		if !slices.Equal(loaded, []string{"a", "b"}) {
			t.Errorf("loaded: %q", loaded)
		}
		if s := c.Stats(); s.Misses != 3 || s.AbsentHits != 2 || s.Hits != 2 { // and one of learnScripts
			t.Errorf("%+v", s)
		}
	})
}

// Without leases a batch looks again, before it loads, at the keys that have changed in this
// process since it has looked, and at no others.
func TestManyKeysWithoutLeasesLookAgainAtWhatHasChanged(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: cache.Off})
		learnScripts(t, c)
		keys, others := make([]string, 50), make(map[string]string)
		for i := range keys {
			keys[i] = "key" + strconv.Itoa(i)
		}
		for i := range 500 {
			others["other"+strconv.Itoa(i)] = "v"
		}
		var looks, late atomic.Int64
		f.delay(func(command string) time.Duration {
			if command == "MGET" {
				looks.Add(1)
			}
			return 0
		}, func() time.Duration { // the next answer is late
			return time.Duration(late.Swap(0))
		})
		// call sets others while a batch looks, and returns how often that has looked, and for how
		// many keys it has loaded.
		call := func(others map[string]string) (looked, loaded int) {
			if err := c.Delete(t.Context(), keys...); err != nil {
				t.Fatal(err)
			}
			looks.Store(0)
			late.Store(int64(20 * time.Millisecond))
			var batch sync.WaitGroup
			batch.Go(func() {
				got, err := c.GetOrSetMany(t.Context(), keys, func(_ context.Context, keys []string) (map[string]string, error) {
					loaded = len(keys)
					values := make(map[string]string)
					for _, key := range keys {
						values[key] = "loaded"
					}
					return values, nil
				})
				if err != nil || len(got) != len(keys) {
					t.Errorf("%d values, %v", len(got), err)
				}
			})
			time.Sleep(10 * time.Millisecond) // it has asked
			if err := c.SetMany(t.Context(), others); err != nil {
				t.Fatal(err)
			}
			batch.Wait()
			return int(looks.Load()), loaded
		}
		if looked, loaded := call(others); looked != 1 || loaded != 50 {
			t.Errorf("beside writes of other keys it has looked %d times, and loaded %d keys", looked, loaded)
		}
		others["key7"], others["key42"] = "v", "v"
		if looked, loaded := call(others); looked != 2 || loaded != 48 {
			t.Errorf("beside writes of two keys it has looked %d times, and loaded %d keys", looked, loaded)
		}
	})
}
