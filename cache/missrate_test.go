package cache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A miss that is predicted saves its read: after a delete of this process, and while
// there are hardly any hits.
func TestForeseenMisses(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		var log commandLog
		log.keep(f, 0, 0)
		runs := 0
		ask := func(key string, wanted ...string) {
			t.Helper()
			log.take()
			v, err := c.GetOrSet(t.Context(), key, value("v", &runs))
			want(t, "GetOrSet", v, err, "v")
			if got := log.take(); !slices.Equal(got, wanted) {
				t.Errorf("GetOrSet of %s: %v, want %v", key, got, wanted)
			}
		}
		_, _ = c.GetOrSet(t.Context(), "first", value("v", &runs)) // the server learns the scripts
		ask("k", "GET", "EVALSHA", "EVALSHA")
		ask("k", "GET")
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		ask("k", "EVALSHA", "EVALSHA")
		ask("k", "GET")
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		ask("k", "GET")

		for i := range 200 {
			v, err := c.GetOrSet(t.Context(), fmt.Sprint("new", i), value("v", &runs))
			want(t, "GetOrSet", v, err, "v")
		}
		ask("another", "EVALSHA", "EVALSHA")
		ask("k", "EVALSHA") // which returns what is there, unless it is long
		for size, wanted := range map[int][]string{0: {"EVALSHA"}, 16 << 10: {"EVALSHA"}, 16<<10 + 1: {"EVALSHA", "GET"}} {
			key := fmt.Sprint(size)
			if err := c.Set(t.Context(), key, strings.Repeat("v", size)); err != nil {
				t.Fatal(err)
			}
			log.take()
			if v, err := c.GetOrSet(t.Context(), key, never[string](t)); err != nil || len(v) != size {
				t.Errorf("a value of %d bytes: %d, %v", size, len(v), err)
			}
			if got := log.take(); !slices.Equal(got, wanted) {
				t.Errorf("GetOrSet of a value of %d bytes: %v", size, got)
			}
		}
		for range 100 { // hits, and nothing else
			v, err := c.GetOrSet(t.Context(), "k", never[string](t))
			want(t, "GetOrSet", v, err, "v")
		}
		ask("k", "GET")
		ask("one more", "GET", "EVALSHA", "EVALSHA")
	})
}

// A few misses in a row are enough for the next one to be predicted, as the callers of a client may
// be spread over many caches. The first hit ends that, and what mostly hits has it never.
func TestForeseenMissesInARow(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		rdb := f.client(t)
		other := open(t, rdb, cache.Config[string, string]{Name: "other"})
		learnScripts(t, other)
		var log commandLog
		log.keep(f, 0, 0)
		runs, n := 0, 0
		ask := func(c *cache.Cache[string, string], key string, wanted ...string) {
			t.Helper()
			log.take()
			v, err := c.GetOrSet(t.Context(), key, value("v", &runs))
			want(t, "GetOrSet", v, err, "v")
			if got := log.take(); !slices.Equal(got, wanted) {
				t.Errorf("GetOrSet %d of %s: %v, want %v", n, key, got, wanted)
			}
		}
		miss := func(c *cache.Cache[string, string], wanted ...string) {
			t.Helper()
			n++
			ask(c, fmt.Sprint("new", n), wanted...)
		}
		for i := range 3 {
			c := open(t, rdb, cache.Config[string, string]{Name: fmt.Sprint("of", i)})
			for range 8 {
				miss(c, "GET", "EVALSHA", "EVALSHA")
			}
			for range 3 {
				miss(c, "EVALSHA", "EVALSHA")
			}
			ask(c, "new"+fmt.Sprint(n), "EVALSHA") // which returns what is there
			for range 3 {
				ask(c, "new"+fmt.Sprint(n), "GET")
				for range 7 {
					miss(c, "GET", "EVALSHA", "EVALSHA")
				}
			}
		}
	})
}

// Where two of three lookups are misses, a call for one key does without its read, and a batch,
// whose hits would take another round trip, does not.
func TestForeseenMissesOfOneKey(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		runs := 0
		for i := range 90 {
			_, _ = c.GetOrSet(t.Context(), fmt.Sprint("a", i), value("v", &runs))
			_, _ = c.GetOrSet(t.Context(), fmt.Sprint("b", i), value("v", &runs))
			_, _ = c.GetOrSet(t.Context(), "a0", never[string](t))
		}
		var log commandLog
		log.keep(f, 0, 0)
		if _, err := c.GetOrSetMany(t.Context(), []string{"a0", "a1"}, neverMany[string](t)); err != nil {
			t.Error(err)
		}
		if got := log.take(); !slices.Equal(got, []string{"MGET"}) {
			t.Errorf("GetOrSetMany: %v", got)
		}
		_, _ = c.GetOrSet(t.Context(), "new", value("v", &runs))
		log.take()
		v, err := c.GetOrSet(t.Context(), "a0", never[string](t))
		want(t, "GetOrSet", v, err, "v")
		if got := log.take(); !slices.Equal(got, []string{"EVALSHA"}) {
			t.Errorf("GetOrSet: %v", got)
		}
	})
}

// Without leases it is a closer look that does for the read.
func TestForeseenMissesWithoutLeases(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: cache.Off})
		learnScripts(t, c)
		var log commandLog
		log.keep(f, 0, 0)
		runs := 0
		ask := func(wanted ...string) {
			t.Helper()
			v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
			want(t, "GetOrSet", v, err, "v")
			if got := log.take(); !slices.Equal(got, wanted) {
				t.Errorf("GetOrSet: %v, want %v", got, wanted)
			}
		}
		ask("GET", "MGET", "DEL", "SET")
		ask("GET")
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		log.take()
		ask("MGET", "DEL", "SET")
		ask("GET")
	})
}

// A call that has not read hears all the same that the key is of another type.
func TestForeseenMissOfAnotherType(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		var log recorder
		c := open(t, env.Client, cache.Config[string, string]{Observer: log.observer()})
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if err := env.Client.RPush(t.Context(), c.RedisKey("k"), "x").Err(); err != nil {
			t.Fatal(err)
		}
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet", v, err, "v")
		if n := len(log.errors); n != 1 || !errors.Is(log.errors[0], cache.ErrDecode) {
			t.Errorf("the observer has heard of %d errors, want one of ErrDecode: %v", n, log.errors)
		}
		stored := "v"
		wantGet(t, c, "k", &stored)
	})
}
