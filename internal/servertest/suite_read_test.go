package servertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

func caseGetOrSet[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	type contextKey struct{}
	ctx := context.WithValue(t.Context(), contextKey{}, "carried")
	runs := 0
	load := func(ctx context.Context, key string) (V, error) {
		runs++
		if key != "k" || ctx.Value(contextKey{}) != "carried" {
			t.Errorf("the loader got key %q and context value %v", key, ctx.Value(contextKey{}))
		}
		return b.one, nil
	}
	for range 3 {
		v, err := c.GetOrSet(ctx, "k", load)
		testcache.Want(t, "GetOrSet", v, err, b.one)
	}
	if runs != 1 {
		t.Errorf("the loader ran %d times for three calls, want once", runs)
	}
	other := b.open(t)
	v, err := other.GetOrSet(ctx, "k", testcache.Never[V](t))
	testcache.Want(t, "GetOrSet of another process", v, err, b.one)
}

func caseGetOrSetFails[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	failure := fmt.Errorf("wrapped: %w", errors.New("no source"))
	v, err := c.GetOrSet(t.Context(), "k", testcache.Failing[V](failure))
	testcache.WantError(t, "GetOrSet", v, err, failure)
	if err != failure {
		t.Errorf("the loader's error came back as %#v, want it as it was", err)
	}
	testcache.WantState(t, c, "k", cache.Missing)

	_, err = c.GetOrSet(t.Context(), "k", nil)
	if e := (*cache.Error)(nil); !errors.As(err, &e) || e.Kind != nil || e.Op != cache.OpGetOrSet {
		t.Errorf("GetOrSet without a loader: %v", err)
	}
	_, err = c.GetOrSetEntry(t.Context(), "k", nil)
	if err == nil {
		t.Error("GetOrSetEntry without a loader gives no error")
	}

	runs := 0
	v, err = c.GetOrSet(t.Context(), "k", testcache.Value(b.one, &runs))
	testcache.Want(t, "GetOrSet after a failure", v, err, b.one)
}

func caseGetOrSetEntry[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	entry := func(e loader.Entry[V]) loader.EntryFunc[string, V] {
		return func(context.Context, string) (loader.Entry[V], error) { return e, nil }
	}
	v, err := c.GetOrSetEntry(t.Context(), "plain", entry(loader.Entry[V]{Value: b.one}))
	testcache.Want(t, "GetOrSetEntry", v, err, b.one)
	b.wantLife(t, c.RedisKey("plain"), time.Hour)

	v, err = c.GetOrSetEntry(t.Context(), "ttl", entry(loader.Entry[V]{Value: b.one, TTL: 2 * time.Hour}))
	testcache.Want(t, "GetOrSetEntry with a TTL", v, err, b.one)
	b.wantLife(t, c.RedisKey("ttl"), 2*time.Hour)

	v, err = c.GetOrSetEntry(t.Context(), "option", entry(loader.Entry[V]{Value: b.one, TTL: 2 * time.Hour}), cache.TTL(3*time.Hour))
	testcache.Want(t, "GetOrSetEntry with two TTLs", v, err, b.one)
	b.wantLife(t, c.RedisKey("option"), 3*time.Hour)

	for _, e := range []loader.Entry[V]{{Value: b.one, NoStore: true}, {Value: b.one, TTL: -time.Second}} {
		v, err = c.GetOrSetEntry(t.Context(), "unstored", entry(e))
		testcache.Want(t, "GetOrSetEntry of what is not to be stored", v, err, b.one)
		testcache.WantState(t, c, "unstored", cache.Missing)
	}

	v, err = c.GetOrSetEntry(t.Context(), "absent", func(context.Context, string) (loader.Entry[V], error) {
		return loader.Entry[V]{}, cache.ErrNotFound
	})
	testcache.WantError(t, "GetOrSetEntry of what does not exist", v, err, cache.ErrNotFound)
	testcache.WantState(t, c, "absent", cache.Absent)
}

func caseGet[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	testcache.WantGet(t, c, "k", nil)
	if err := c.Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, c, "k", &b.one)
	if err := c.SetAbsent(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, c, "k", nil)
	v, ok, err := c.Get(t.Context(), "k", cache.TTL(time.Minute), cache.Option{})
	if ok || err != nil {
		t.Errorf("Get with options = %v, %v, %v", v, ok, err)
	}
	if _, _, err := c.Get(t.Context(), "k", cache.TTL(0)); err == nil {
		t.Error("Get with an impossible option gives no error")
	}
}

func caseEntry[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	if e := testcache.WantState(t, c, "k", cache.Missing); e.TTL != 0 || e.Source != cache.Redis {
		t.Errorf("Entry of a missing key = %+v", e)
	}
	for _, v := range []V{b.one, b.empty} {
		if err := c.Set(t.Context(), "k", v); err != nil {
			t.Fatal(err)
		}
		e := testcache.WantState(t, c, "k", cache.Present)
		testcache.Want(t, "Entry.Value", e.Value, nil, v)
		if e.Source != cache.Redis || e.TTL > time.Hour || e.TTL < 59*time.Minute {
			t.Errorf("Entry = source %v, TTL %v, want Redis and an hour", e.Source, e.TTL)
		}
	}
	if err := c.Set(t.Context(), "k", b.one, cache.TTL(cache.Forever)); err != nil {
		t.Fatal(err)
	}
	if e := testcache.WantState(t, c, "k", cache.Present); e.TTL != cache.Forever {
		t.Errorf("Entry.TTL = %v, want Forever", e.TTL)
	}
	if err := c.SetAbsent(t.Context(), "k", cache.TTL(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	e := testcache.WantState(t, c, "k", cache.Absent)
	if e.TTL > 20*time.Second || e.TTL <= 0 {
		t.Errorf("Entry.TTL of an absent key = %v, want 20s", e.TTL)
	}
	var zero V
	testcache.Want(t, "Entry.Value of an absent key", e.Value, nil, zero)
}

// caseOwn: what a caller does to its value is nobody else's.
func caseOwn[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	runs := 0
	for range 2 {
		v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (V, error) { runs++; return b.one, nil })
		testcache.Want(t, "GetOrSet", v, err, b.one)
	}
	first, _, err1 := c.Get(t.Context(), "k")
	second, _, err2 := c.Get(t.Context(), "k")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	scribble(any(first))
	testcache.Want(t, "the value of the other caller", second, nil, b.one)
	testcache.WantGet(t, c, "k", &b.one)
}

// scribble changes what a value shares with its copies.
func scribble(v any) {
	switch v := v.(type) {
	case *person:
		v.Name = "scribbled"
	case map[string]int:
		clear(v)
	case []string:
		clear(v)
	}
}

func caseOddKeys[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	keys := []string{"", " ", "a b", "{", "}", "{}", "}{", "{a}", "a{b}c", "a}b{c}", "{a", "a}", "{}{a}", "\x00\xff\r\n", "%", ":", "é", "*", "aside:x"}
	for i, key := range keys {
		if err := c.Set(t.Context(), key, b.one, cache.TTL(time.Duration(i+1)*time.Hour)); err != nil {
			t.Errorf("Set(%q): %v", key, err)
		}
	}
	for i, key := range keys {
		testcache.WantGet(t, c, key, &b.one)
		b.wantLife(t, c.RedisKey(key), time.Duration(i+1)*time.Hour)
	}
	for _, key := range keys {
		if err := c.SetAbsent(t.Context(), key); err != nil {
			t.Errorf("SetAbsent(%q): %v", key, err)
		}
		testcache.WantState(t, c, key, cache.Absent)
	}
	if err := c.Delete(t.Context(), keys...); err != nil {
		t.Error(err)
	}
	for _, key := range keys {
		testcache.WantState(t, c, key, cache.Missing)
	}
	if got, wanted := c.RedisKey("a b"), b.name+":a b"; got != wanted {
		t.Errorf("RedisKey = %q, want %q", got, wanted)
	}
}

func caseVersion[V any](t *testing.T, b *bench[V]) {
	first := b.open(t)
	second := b.open(t, func(cfg *cache.Config[string, V]) { cfg.Version = 3 }) // which a write of the first does not reach
	if err := first.Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, second, "k", nil)
	if got, wanted := second.RedisKey("k"), b.name+"@3{"+b.name+":k}"; got != wanted {
		t.Errorf("RedisKey = %q, want %q", got, wanted)
	}
	if err := second.Set(t.Context(), "k", b.two); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, first, "k", &b.one)
	if err := second.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, first, "k", &b.one)
}

func caseClosed[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	if err := c.Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	ctx := t.Context()
	_, err1 := c.GetOrSet(ctx, "k", testcache.Never[V](t))
	_, err2 := c.GetOrSetEntry(ctx, "k", func(context.Context, string) (e loader.Entry[V], err error) { return e, nil })
	_, _, err3 := c.Get(ctx, "k")
	_, err4 := c.Entry(ctx, "k")
	_, err5 := c.SetIfAbsent(ctx, "k", b.two)
	_, err6 := c.Touch(ctx, "k")
	_, err7 := c.Refresh(ctx, "k", testcache.Never[V](t))
	errs := []error{err1, err2, err3, err4, err5, err6, err7, c.Set(ctx, "k", b.two), c.SetAbsent(ctx, "k"), c.Delete(ctx, "k"), c.Delete(ctx, "k", "l")}
	for i, err := range errs {
		if e := (*cache.Error)(nil); !errors.Is(err, cache.ErrClosed) || !errors.As(err, &e) || e.Cache != b.name {
			t.Errorf("call %d of a closed cache: %v, want an *Error of kind ErrClosed", i+1, err)
		}
	}
	if err := b.rdb.Exists(ctx, c.RedisKey("k")).Err(); err != nil {
		t.Errorf("the client after Close of the cache: %v", err)
	}
}
