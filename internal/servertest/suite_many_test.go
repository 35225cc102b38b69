package servertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/testcache"
)

// batchLoader loads what is in source, and tells what it was asked for.
func batchLoader[V any](source map[string]V, asked *[][]string) func(context.Context, []string) (map[string]V, error) {
	return func(_ context.Context, keys []string) (map[string]V, error) {
		*asked = append(*asked, slices.Sorted(slices.Values(keys)))
		found := make(map[string]V)
		for _, key := range keys {
			if v, ok := source[key]; ok {
				found[key] = v
			}
		}
		return found, nil
	}
}

// wantMany checks what a call for many keys returns.
func wantMany[V any](t testing.TB, what string, got map[string]V, err error, wanted map[string]V) {
	t.Helper()
	testcache.Want(t, what, got, err, wanted)
}

// Values, empty values, absent keys and unknown ones, in one batch and one load.
func caseMany[V any](t *testing.T, b *bench[V]) {
	c, another := b.open(t), b.open(t)
	stored := map[string]V{"one": b.one, "empty": b.empty}
	if err := c.SetMany(t.Context(), stored, cache.TTL(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	b.wantLife(t, c.RedisKey("one"), 30*time.Minute)
	wantTTL(t, c, b.codec.Shape(), "empty", 30*time.Minute)
	if err := c.SetAbsent(t.Context(), "absent"); err != nil {
		t.Fatal(err)
	}

	keys := []string{"two", "one", "nobody", "empty", "two", "absent", "one"}
	got, err := another.GetMany(t.Context(), keys)
	wantMany(t, "GetMany", got, err, stored)

	var asked [][]string
	load := batchLoader(map[string]V{"two": b.two, "one": b.two}, &asked)
	all := map[string]V{"one": b.one, "empty": b.empty, "two": b.two}
	for range 2 {
		got, err = another.GetOrSetMany(t.Context(), keys, load, cache.TTL(2*time.Hour))
		wantMany(t, "GetOrSetMany", got, err, all)
	}
	if want := [][]string{{"nobody", "two"}}; fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("the loader was asked for %v, want %v", asked, want)
	}
	b.wantLife(t, c.RedisKey("two"), 2*time.Hour)
	for _, key := range []string{"nobody", "absent"} {
		testcache.WantState(t, c, key, cache.Absent)
	}

	if err := c.Delete(t.Context(), "one", "two", "empty", "absent", "nobody", "one"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	got, err = another.GetMany(t.Context(), keys)
	wantMany(t, "GetMany after Delete", got, err, map[string]V{})
	others := func(key string) bool { return !strings.Contains(key, b.name+":") } // of cases that came before
	if left := slices.DeleteFunc(b.env.Keys(t), others); len(left) > 0 {
		t.Errorf("Delete has left %d keys, %.80q", len(left), left)
	}
	got, err = c.GetMany(t.Context(), nil)
	wantMany(t, "GetMany of nothing", got, err, map[string]V{})
	if err := c.SetMany(t.Context(), nil); err != nil {
		t.Errorf("SetMany of nothing: %v", err)
	}
}

// A batch heals what it cannot read, and the observer hears of it once.
func caseManyBroken[V any](t *testing.T, b *bench[V]) {
	var r cachetest.Recorder
	c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.Observer = r.Observer() })
	breaks := b.otherTypes(t)
	if b.unreadable != nil {
		breaks = append(breaks, func(key string) { b.store(t, append([]any{key}, b.unreadable...)...) })
	}
	for _, breakIt := range breaks {
		r.Reset()
		breakIt(c.RedisKey("broken"))
		var asked [][]string
		load := batchLoader(map[string]V{"broken": b.one, "new": b.two}, &asked)
		all := map[string]V{"broken": b.one, "new": b.two}
		for range 2 {
			got, err := c.GetOrSetMany(t.Context(), []string{"broken", "new"}, load)
			wantMany(t, "GetOrSetMany of a broken entry", got, err, all)
		}
		if len(asked) != 1 {
			t.Errorf("the loader was asked for %v, want both keys at once", asked)
		}
		if errs := r.Errors(); len(errs) != 1 || !errors.Is(errs[0], cache.ErrDecode) {
			t.Errorf("the observer heard %v, want one ErrDecode", errs)
		}
		if got := b.content(t, c.RedisKey("broken")); got == nil {
			t.Error("the entry is not healed")
		}
		b.env.FlushAll(t)
	}
}

// The keys of a batch lie in all slots, and are more than go into a round trip.
func caseManyKeys[V any](t *testing.T, b *bench[V]) {
	if !b.is("text") && !b.is("hash") {
		return // what the keys hold makes no difference to a round trip
	}
	c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.RedisTimeout = time.Minute })
	n := 1100 // more than go into one round trip
	if b.env.Mini != nil {
		n = 300 // its scripts are slow
	}
	source := make(map[string]V, n)
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
		source[keys[i]] = b.one
	}
	var asked [][]string
	for range 2 {
		got, err := c.GetOrSetMany(t.Context(), keys, batchLoader(source, &asked))
		if err != nil || len(got) != n {
			t.Fatalf("GetOrSetMany returns %d values, error %v", len(got), err)
		}
	}
	if len(asked) != 1 || len(asked[0]) != n {
		t.Errorf("%d loads, want one of all keys", len(asked))
	}
	if err := c.SetMany(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetMany(t.Context(), keys)
	if err != nil || len(got) != n {
		t.Errorf("GetMany returns %d values, error %v", len(got), err)
	}
	if err := c.Delete(t.Context(), keys...); err != nil {
		t.Error(err)
	}
	others := func(key string) bool { return !strings.Contains(key, b.name+":") } // of cases that came before
	if left := slices.DeleteFunc(b.env.Keys(t), others); len(left) > 0 {
		t.Errorf("%d keys are left", len(left))
	}
}
