package cache_test

import (
	"context"
	"flag"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

var manyKeys = flag.Int("cache.keys", 2500, "how many keys TestBatchesOfManyKeys has; with 100000 it takes seconds a server")

// Batches of any size are whole: the loader is called once for each key, and nothing fails. What
// RedisTimeout is for shows in TestManyKeysHaveTimeForEachTrip.
func TestBatchesOfManyKeys(t *testing.T) {
	n := *manyKeys
	keys, values := make([]int, n), make(map[int]string, n)
	for i := range keys {
		keys[i], values[i] = i, "value "+strconv.Itoa(i)
	}
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			t.Skip("a simulated server says little of time, and takes a lot of it")
		}
		for name, lease := range map[string]time.Duration{"leases": 0, "no leases": cache.Off} {
			env.FlushAll(t)
			c := open(t, env.Client, cache.Config[int, string]{Lease: lease})
			loaded := 0
			load := func(_ context.Context, keys []int) (map[int]string, error) {
				loaded += len(keys)
				return values, nil
			}
			step := func(what string, want int, do func() (map[int]string, error)) {
				t.Helper()
				began := time.Now()
				got, err := do()
				took := time.Since(began)
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				t.Logf("%s, %s: %v, at most %d MB of memory so far", name, what, took.Round(time.Millisecond), m.Sys>>20)
				if err != nil || len(got) != want || want > 0 && got[n-1] != values[n-1] {
					t.Fatalf("%s, %s: %d values of %d, %v", name, what, len(got), want, err)
				}
			}
			getMany := func() (map[int]string, error) { return c.GetMany(t.Context(), keys) }
			getOrSetMany := func() (map[int]string, error) { return c.GetOrSetMany(t.Context(), keys, load) }
			step("GetMany of nothing", 0, getMany)
			step("GetOrSetMany, all missing", n, getOrSetMany)
			step("GetOrSetMany, all there", n, getOrSetMany)
			if loaded != n {
				t.Errorf("%s: %d loads of %d keys", name, loaded, n)
			}
			step("Delete", 0, func() (map[int]string, error) { return nil, c.Delete(t.Context(), keys...) })
			step("GetMany after Delete", 0, getMany)
			step("SetMany", 0, func() (map[int]string, error) { return nil, c.SetMany(t.Context(), values) })
			step("GetMany", n, getMany)
		}
	})
}
