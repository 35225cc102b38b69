package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// Misses of several keys become one batch, and a load that comes after a write gets
// nothing of the batch that was sent before it.
func TestCoalescedLoadsAreNotOlderThanAWrite(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		release := make(chan struct{})
		var calls [][]string
		load := loader.Coalesce(func(_ context.Context, keys []string) (map[string]string, error) {
			calls = append(calls, keys)
			read := strconv.Itoa(len(calls))
			if len(calls) == 1 {
				<-release
			}
			values := make(map[string]string)
			for _, key := range keys {
				values[key] = read
			}
			return values, nil
		}, 10*time.Millisecond, 100)

		var older sync.WaitGroup
		for _, key := range []string{"a", "b"} {
			older.Go(func() {
				v, err := c.GetOrSet(t.Context(), key, load)
				want(t, "a caller that began before the write, "+key, v, err, "1")
			})
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if len(calls) != 1 || len(calls[0]) != 2 {
			t.Fatalf("the source was asked for %v, want two keys at once", calls)
		}
		if err := c.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		v, err := c.GetOrSet(t.Context(), "a", load)
		want(t, "a caller that came after the write", v, err, "2")
		close(release)
		older.Wait()
		for key, stored := range map[string]string{"a": "2", "b": "1"} {
			v, _, err := c.Get(t.Context(), key)
			want(t, "stored for "+key, v, err, stored)
		}
	})
}

// A batch that panics is a panic of the load of each key: of its callers, one gets
// it, and the others are told.
func TestCoalescedLoadsPanic(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		load := loader.Coalesce(func(context.Context, []string) (map[string]string, error) {
			panic("boom")
		}, 10*time.Millisecond, 100)
		var mu sync.Mutex
		panicked, told := map[string]int{}, map[string]int{}
		var all sync.WaitGroup
		for _, key := range []string{"a", "a", "a", "b", "b"} {
			all.Go(func() {
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					if recover() != nil {
						panicked[key]++
					}
				}()
				_, err := c.GetOrSet(t.Context(), key, load)
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, cache.ErrPanic) {
					told[key]++
				}
			})
		}
		all.Wait()
		if panicked["a"] != 1 || panicked["b"] != 1 || told["a"] != 2 || told["b"] != 1 {
			t.Errorf("panicked: %v, told of it: %v; want one of each key, and the others", panicked, told)
		}
	})
}

// Loads that wait for a batch hold places of MaxLoads: a batch has no more keys
// than there are places.
func TestCoalescedLoadsCountAgainstMaxLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 2})
		var sizes []int
		load := loader.Coalesce(func(_ context.Context, keys []string) (map[string]string, error) {
			sizes = append(sizes, len(keys))
			return nil, nil
		}, 10*time.Millisecond, 3)
		start := time.Now()
		var all sync.WaitGroup
		for key := range 4 {
			all.Go(func() {
				v, err := c.GetOrSet(t.Context(), strconv.Itoa(key), load)
				wantError(t, "of an empty source", v, err, cache.ErrNotFound)
			})
		}
		all.Wait()
		if took := time.Since(start); len(sizes) != 2 || sizes[0] != 2 || sizes[1] != 2 || took < 20*time.Millisecond {
			t.Errorf("batches of %v keys in %v, want two of 2, a window each", sizes, took)
		}
	})
}
