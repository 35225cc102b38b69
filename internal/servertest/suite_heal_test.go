package servertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

// caseEmpty: an empty value is a hit, however it was stored.
func caseEmpty[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	runs := 0
	for name, store := range map[string]func(key string) error{
		"Set":         func(key string) error { return c.Set(t.Context(), key, b.empty) },
		"SetIfAbsent": func(key string) error { _, err := c.SetIfAbsent(t.Context(), key, b.empty); return err },
		"GetOrSet": func(key string) error {
			_, err := c.GetOrSet(t.Context(), key, testcache.Value(b.empty, &runs))
			return err
		},
		"Refresh": func(key string) error {
			_, err := c.Refresh(t.Context(), key, testcache.Value(b.empty, &runs))
			return err
		},
		"over a value": func(key string) error {
			return errors.Join(c.Set(t.Context(), key, b.one), c.Set(t.Context(), key, b.empty))
		},
		"over absence": func(key string) error {
			return errors.Join(c.SetAbsent(t.Context(), key), c.Set(t.Context(), key, b.empty))
		},
	} {
		if err := store(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		testcache.WantGet(t, c, name, &b.empty)
		v, err := c.GetOrSet(t.Context(), name, testcache.Never[V](t))
		testcache.Want(t, "GetOrSet after "+name, v, err, b.empty)
		testcache.WantState(t, c, name, cache.Present)
	}
}

func caseUnreadable[V any](t *testing.T, b *bench[V]) {
	if b.unreadable == nil {
		t.Skip("this codec reads everything")
	}
	heals(t, b, cache.ErrDecode, func(key string) {
		b.do(t, "DEL", key)
		b.store(t, append([]any{key}, b.unreadable...)...)
	})
}

func caseWrongType[V any](t *testing.T, b *bench[V]) {
	for _, harm := range b.otherTypes(t) {
		heals(t, b, cache.ErrDecode, harm)
	}
}

// heals checks that an entry which harm has broken counts as a miss, is replaced
// by one load, and that the observer hears of it once a call.
func heals[V any](t *testing.T, b *bench[V], kind error, harm func(key string)) {
	t.Helper()
	var r cachetest.Recorder
	c := b.open(t, func(cfg *cache.Config[string, V]) { cfg.Observer = r.Observer() })
	key := c.RedisKey("k")
	heard := func(what string, calls int) {
		t.Helper()
		events := r.Errors()
		r.Reset()
		if len(events) != calls {
			t.Errorf("%s: the observer heard %d errors, want %d: %v", what, len(events), calls, events)
		}
		for _, e := range events {
			if e.Kind != kind || e.Key != key || e.Cache != b.name {
				t.Errorf("%s: the observer heard %v", what, e)
			}
		}
	}
	runs := 0
	harm(key)
	v, err := c.GetOrSet(t.Context(), "k", testcache.Value(b.one, &runs))
	testcache.Want(t, "GetOrSet of a broken entry", v, err, b.one)
	heard("GetOrSet", 1)
	v, err = c.GetOrSet(t.Context(), "k", testcache.Never[V](t))
	testcache.Want(t, "GetOrSet of a healed entry", v, err, b.one)
	b.wantLife(t, key, time.Hour)
	heard("GetOrSet of a healed entry", 0)

	harm(key)
	testcache.WantGet(t, c, "k", nil)
	heard("Get", 1)
	testcache.WantState(t, c, "k", cache.Missing)
	heard("Entry", 1)
	v, err = c.Refresh(t.Context(), "k", testcache.Value(b.two, &runs))
	testcache.Want(t, "Refresh of a broken entry", v, err, b.two)
	testcache.WantGet(t, c, "k", &b.two)

	harm(key)
	if err := c.Set(t.Context(), "k", b.one); err != nil {
		t.Errorf("Set over a broken entry: %v", err)
	}
	testcache.WantGet(t, c, "k", &b.one)
	heard("Set", 0)

	harm(key)
	v, err = c.GetOrSet(t.Context(), "k", testcache.Failing[V](cache.ErrNotFound))
	testcache.WantError(t, "GetOrSet of a broken entry that does not exist", v, err, cache.ErrNotFound)
	heard("GetOrSet of what does not exist", 1)
	testcache.WantState(t, c, "k", cache.Absent)

	harm(key)
	for range 2 { // what is not stored must take the broken entry away as well
		v, err = c.GetOrSetEntry(t.Context(), "k", func(context.Context, string) (loader.Entry[V], error) {
			return loader.Entry[V]{Value: b.one, NoStore: true}, nil
		})
		testcache.Want(t, "GetOrSetEntry of a broken entry", v, err, b.one)
	}
	heard("two calls of GetOrSetEntry", 1)
	if s := c.Stats(); s.Broken != 5 {
		t.Errorf("Stats().Broken = %d, want 5", s.Broken)
	}
	harm(key)
	if err := c.Delete(t.Context(), "k"); err != nil || b.life(t, key) != -2 {
		t.Errorf("Delete of a broken entry: %v", err)
	}
}

// caseWrongTypeOfControl: a control key that is none of ours harms nothing.
func caseWrongTypeOfControl[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	for name, harm := range map[string]func(key string){
		"another type": func(key string) { b.do(t, "DEL", key); b.do(t, "RPUSH", key, "x") },
		"another mark": func(key string) { b.do(t, "SET", key, "what is this?") },
		"a lease":      func(key string) { b.do(t, "SET", key, "L0123456789abcdef") },
	} {
		harm(testcache.Control(c.RedisKey(name)))
		testcache.WantState(t, c, name, cache.Missing)
		testcache.WantGet(t, c, name, nil)
		ok, err := c.Touch(t.Context(), name)
		testcache.Want(t, "Touch", ok, err, false)
		runs := 0
		v, err := c.GetOrSet(t.Context(), name, testcache.Value(b.one, &runs))
		testcache.Want(t, "GetOrSet beside "+name, v, err, b.one)
		v, err = c.GetOrSet(t.Context(), name, testcache.Never[V](t))
		testcache.Want(t, "GetOrSet again", v, err, b.one)

		harm(testcache.Control(c.RedisKey(name)))
		testcache.WantState(t, c, name, cache.Present)
		if err := c.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
		harm(testcache.Control(c.RedisKey(name)))
		stored, err := c.SetIfAbsent(t.Context(), name, b.empty)
		testcache.Want(t, "SetIfAbsent beside "+name, stored, err, true)
		testcache.WantGet(t, c, name, &b.empty)
	}
}

// caseForeignWrite: a plain SET, HSET or RPUSH of another program is a value, whatever
// was noted of the key before.
func caseForeignWrite[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	key := c.RedisKey("k")
	for name, before := range map[string]func() error{
		"a missing key": func() error { return nil },
		"an absent key": func() error { return c.SetAbsent(t.Context(), "k") },
		"a value":       func() error { return c.Set(t.Context(), "k", b.one) },
	} {
		if err := before(); err != nil {
			t.Fatal(err)
		}
		b.do(t, "DEL", key)
		b.foreignWrite(t, key, b.two)
		testcache.WantGet(t, c, "k", &b.two)
		v, err := c.GetOrSet(t.Context(), "k", testcache.Never[V](t))
		testcache.Want(t, "GetOrSet after a foreign write over "+name, v, err, b.two)
		if e := testcache.WantState(t, c, "k", cache.Present); e.TTL != cache.Forever {
			t.Errorf("Entry.TTL of a value without expiry = %v", e.TTL)
		}
		stored, err := c.SetIfAbsent(t.Context(), "k", b.one)
		testcache.Want(t, "SetIfAbsent", stored, err, false)
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
}

func caseForeignDelete[V any](t *testing.T, b *bench[V]) {
	c := b.open(t)
	key := c.RedisKey("k")
	for _, before := range []error{
		c.Set(t.Context(), "k", b.one), c.Set(t.Context(), "k", b.empty), c.SetAbsent(t.Context(), "k"),
	} {
		if before != nil {
			t.Fatal(before)
		}
		b.do(t, "DEL", key, testcache.Control(key))
		testcache.WantState(t, c, "k", cache.Missing)
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", testcache.Value(b.two, &runs))
		testcache.Want(t, "GetOrSet after a foreign DEL", v, err, b.two)
	}
	b.do(t, "DEL", key) // of a value that is there, this is enough
	testcache.WantState(t, c, "k", cache.Missing)
}

// caseStoredPlain: the key holds exactly what the codec writes.
func caseStoredPlain[V any](t *testing.T, b *bench[V]) {
	if b.name == "sealed-StoredPlain" {
		t.Skip("encryption never writes the same bytes twice")
	}
	c := b.open(t)
	if err := c.Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	ours, theirs := c.RedisKey("k"), "{"+c.RedisKey("k")+"}foreign"
	b.foreignWrite(t, theirs, b.one)
	testcache.Want(t, "the content of a key", b.content(t, ours), nil, b.content(t, theirs))
}
