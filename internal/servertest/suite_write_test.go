package servertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

func caseSet[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	for _, v := range []V{b.one, b.two, b.empty, b.one} {
		if err := c.Set(t.Context(), "k", v); err != nil {
			t.Fatal(err)
		}
		testcache.WantGet(t, c, "k", &v)
	}
	if err := c.SetAbsent(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "k", b.two); err != nil {
		t.Fatal(err)
	}
	v, err := c.GetOrSet(t.Context(), "k", testcache.Never[V](t))
	testcache.Want(t, "GetOrSet after SetAbsent and Set", v, err, b.two)
	if n := b.life(t, testcache.Control(c.RedisKey("k"))); n != -2 {
		t.Errorf("the control key is left behind, with PTTL %v", n)
	}
	if err := c.Set(t.Context(), "k", b.one, cache.TTL(time.Microsecond)); err == nil {
		t.Error("Set with a TTL below a millisecond gives no error")
	}
	testcache.WantGet(t, c, "k", &b.two)
}

func caseSetIfAbsent[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	set := func(key string, v V, wanted bool) {
		t.Helper()
		stored, err := c.SetIfAbsent(t.Context(), key, v)
		testcache.Want(t, "SetIfAbsent", stored, err, wanted)
	}
	set("k", b.one, true)
	set("k", b.two, false)
	testcache.WantGet(t, c, "k", &b.one)
	b.wantLife(t, c.RedisKey("k"), time.Hour)

	set("empty", b.empty, true)
	set("empty", b.one, false)
	testcache.WantGet(t, c, "empty", &b.empty)

	if err := c.SetAbsent(t.Context(), "absent"); err != nil {
		t.Fatal(err)
	}
	set("absent", b.two, true)
	v, err := c.GetOrSet(t.Context(), "absent", testcache.Never[V](t))
	testcache.Want(t, "GetOrSet after SetAbsent and SetIfAbsent", v, err, b.two)

	for _, replace := range b.otherTypes(t) {
		replace(c.RedisKey("another type"))
		set("another type", b.one, true)
		testcache.WantGet(t, c, "another type", &b.one)
	}
}

func caseSetAbsent[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	for _, v := range []V{b.one, b.empty} {
		if err := c.Set(t.Context(), "k", v); err != nil {
			t.Fatal(err)
		}
		if err := c.SetAbsent(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		got, err := c.GetOrSet(t.Context(), "k", testcache.Never[V](t))
		testcache.WantError(t, "GetOrSet", got, err, cache.ErrNotFound)
		testcache.WantState(t, c, "k", cache.Absent)
		if n := b.life(t, c.RedisKey("k")); n != -2 {
			t.Errorf("the value is left behind, with PTTL %v", n)
		}
	}
}

func caseDelete[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	if err := c.Delete(t.Context()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if err := c.Delete(t.Context(), "missing"); err != nil {
		t.Errorf("Delete of a missing key: %v", err)
	}
	keys := make([]string, 300) // over all slots of a cluster
	for i := range keys {
		keys[i] = fmt.Sprint("k", i)
		var err error
		switch i % 3 {
		case 0:
			err = c.Set(t.Context(), keys[i], b.one)
		case 1:
			err = c.Set(t.Context(), keys[i], b.empty)
		case 2:
			err = c.SetAbsent(t.Context(), keys[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(t.Context(), append(keys[1:], keys[1], keys[2])...); err != nil {
		t.Fatal(err)
	}
	testcache.WantState(t, c, keys[0], cache.Present)
	for _, key := range keys[1:] {
		testcache.WantState(t, c, key, cache.Missing)
	}
	if err := c.Delete(t.Context(), keys[0]); err != nil {
		t.Fatal(err)
	}
	testcache.WantState(t, c, keys[0], cache.Missing)
}

func caseTouch[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	touch := func(key string, wanted bool, opts ...cache.Option) {
		t.Helper()
		ok, err := c.Touch(t.Context(), key, opts...)
		testcache.Want(t, "Touch", ok, err, wanted)
	}
	touch("k", false)
	for _, v := range []V{b.one, b.empty} {
		if err := c.Set(t.Context(), "k", v, cache.TTL(10*time.Minute)); err != nil {
			t.Fatal(err)
		}
		for _, ttl := range []time.Duration{0, 3 * time.Hour, 20 * time.Minute, cache.Forever, time.Hour} {
			if ttl == 0 {
				touch("k", true)
				ttl = time.Hour
			} else {
				touch("k", true, cache.TTL(ttl))
			}
			wantTTL(t, c, b.codec.Shape(), "k", ttl)
		}
		testcache.WantGet(t, c, "k", &v)
	}
	if err := c.SetAbsent(t.Context(), "k", cache.TTL(time.Minute)); err != nil {
		t.Fatal(err)
	}
	touch("k", false)
	if e := testcache.WantState(t, c, "k", cache.Absent); e.TTL > time.Minute {
		t.Errorf("Touch has lengthened an absent mark to %v", e.TTL)
	}
	if _, err := c.Touch(t.Context(), "k", cache.TTL(-2)); err == nil {
		t.Error("Touch with an impossible TTL gives no error")
	}
}

// wantTTL checks the life that Entry tells. What is empty and no string cannot live
// for ever, only for ten years.
func wantTTL[V any](t testing.TB, c *cache.Cache[string, V], shape codec.Shape, key string, ttl time.Duration) {
	t.Helper()
	got := testcache.WantState(t, c, key, cache.Present).TTL
	const tenYears = 10 * 365 * 24 * time.Hour
	switch {
	case ttl == cache.Forever && shape != codec.ShapeString && got > tenYears-time.Minute:
	case ttl == cache.Forever && got == cache.Forever:
	case ttl != cache.Forever && got <= ttl && got > ttl-time.Minute:
	default:
		t.Errorf("the entry of %q lives for %v, want %v", key, got, ttl)
	}
}

func caseRefresh[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	runs := 0
	v, err := c.Refresh(t.Context(), "k", testcache.Value(b.one, &runs))
	testcache.Want(t, "Refresh of a missing key", v, err, b.one)
	testcache.WantGet(t, c, "k", &b.one)
	v, err = c.Refresh(t.Context(), "k", testcache.Value(b.two, &runs), cache.TTL(2*time.Hour))
	testcache.Want(t, "Refresh", v, err, b.two)
	testcache.WantGet(t, c, "k", &b.two)
	b.wantLife(t, c.RedisKey("k"), 2*time.Hour)
	if runs != 2 {
		t.Errorf("the loader ran %d times, want twice", runs)
	}

	failure := errors.New("no source")
	v, err = c.Refresh(t.Context(), "k", testcache.Failing[V](failure))
	testcache.WantError(t, "Refresh that fails", v, err, failure)
	testcache.WantGet(t, c, "k", &b.two)

	v, err = c.Refresh(t.Context(), "k", testcache.Failing[V](fmt.Errorf("row 7: %w", cache.ErrNotFound)))
	testcache.WantError(t, "Refresh of what is gone", v, err, cache.ErrNotFound)
	testcache.WantState(t, c, "k", cache.Absent)
	v, err = c.Refresh(t.Context(), "k", testcache.Value(b.one, &runs))
	testcache.Want(t, "Refresh of what is there again", v, err, b.one)
	testcache.WantGet(t, c, "k", &b.one)

	if _, err = c.Refresh(t.Context(), "k", nil); err == nil {
		t.Error("Refresh without a loader gives no error")
	}

	off := b.open(t, func(cfg *cache.Config[string, V]) { cfg.AbsentTTL = cache.Off })
	v, err = off.Refresh(t.Context(), "k", testcache.Failing[V](cache.ErrNotFound))
	testcache.WantError(t, "Refresh of what is gone, not remembered", v, err, cache.ErrNotFound)
	testcache.WantState(t, c, "k", cache.Missing)
}

func caseAbsent[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	wrapped := fmt.Errorf("row 7: %w", cache.ErrNotFound)
	v, err := c.GetOrSet(t.Context(), "k", testcache.Failing[V](wrapped))
	testcache.WantError(t, "GetOrSet of what does not exist", v, err, cache.ErrNotFound)
	if err != wrapped {
		t.Errorf("the caller whose load it was got %v, want what the loader said", err)
	}
	for range 2 {
		v, err = c.GetOrSet(t.Context(), "k", testcache.Never[V](t))
		testcache.WantError(t, "GetOrSet of what is known not to exist", v, err, cache.ErrNotFound)
	}
	v, err = b.open(t).GetOrSet(t.Context(), "k", testcache.Never[V](t))
	testcache.WantError(t, "GetOrSet by another process", v, err, cache.ErrNotFound)

	v, err = c.GetOrSetEntry(t.Context(), "k", func(context.Context, string) (e loader.Entry[V], err error) {
		t.Error("a load began")
		return e, nil
	})
	testcache.WantError(t, "GetOrSetEntry of what is known not to exist", v, err, cache.ErrNotFound)
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	runs := 0
	v, err = c.GetOrSet(t.Context(), "k", testcache.Value(b.one, &runs))
	testcache.Want(t, "GetOrSet after Delete", v, err, b.one)

	off := b.open(t, func(cfg *cache.Config[string, V]) { cfg.AbsentTTL = cache.Off })
	for range 2 {
		v, err = off.GetOrSet(t.Context(), "off", func(context.Context, string) (v V, err error) { runs++; return v, cache.ErrNotFound })
		testcache.WantError(t, "GetOrSet with AbsentTTL Off", v, err, cache.ErrNotFound)
	}
	if runs != 3 {
		t.Errorf("%d loads of which two were not to be remembered, want 3", runs)
	}
	if err := off.SetAbsent(t.Context(), "off"); err == nil {
		t.Error("SetAbsent with AbsentTTL Off and no TTL gives no error")
	}
}
