package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// retitled is what the program with renamedUser makes of what the one before has stored.
func retitled(u runningUser) (renamedUser, error) {
	return renamedUser{Title: u.Name, Tags: u.Tags}, nil
}

// An upgrading is a cache of version 1 and one of version 2 that upgrades its values.
type upgrading[Old, V any] struct {
	before *cache.Cache[string, Old]
	after  *cache.Cache[string, V]
	rec    recorder // of after
}

func openUpgrading[Old, V any](
	t *testing.T, env *redistest.Env, was codec.Codec[Old], is codec.Codec[V],
	upgrade func(Old) (V, error), change ...func(*cache.Config[string, V]),
) *upgrading[Old, V] {
	t.Helper()
	u := new(upgrading[Old, V])
	u.before = open(t, env.NewClient(t), cache.Config[string, Old]{Name: "user", Version: 1, Codec: was, Jitter: -1})
	cfg := cache.Config[string, V]{
		Name: "user", Version: 2, Codec: is, Jitter: -1, Observer: u.rec.observer(),
		Upgrade: cache.UpgradeFrom(was, upgrade),
	}
	for _, c := range change {
		c(&cfg)
	}
	u.after = open(t, env.NewClient(t), cfg)
	return u
}

// texts are a string of version 1 of which that of version 2 is made by a prefix.
func texts(t *testing.T, env *redistest.Env, change ...func(*cache.Config[string, string])) *upgrading[string, string] {
	t.Helper()
	return openUpgrading(t, env, codec.Codec[string](codec.Text[string]()), codec.Codec[string](codec.Text[string]()),
		func(old string) (string, error) { return "new " + old, nil }, change...)
}

func set[V any](t *testing.T, c *cache.Cache[string, V], key string, v V, opts ...cache.Option) {
	t.Helper()
	if err := c.Set(t.Context(), key, v, opts...); err != nil {
		t.Fatal(err)
	}
}

// upgraded checks that a value of the version before is upgraded once, and then a hit.
func upgraded[Old, V any](
	t *testing.T, env *redistest.Env, was codec.Codec[Old], is codec.Codec[V], upgrade func(Old) (V, error), old Old, wanted V,
) {
	t.Helper()
	env.FlushAll(t)
	u := openUpgrading(t, env, was, is, upgrade)
	set(t, u.before, "k", old, cache.TTL(20*time.Minute))
	for range 2 {
		v, err := u.after.GetOrSet(t.Context(), "k", never[V](t))
		want(t, "GetOrSet", v, err, wanted)
	}
	if e := wantState(t, u.after, "k", cache.Present); e.TTL <= 0 || e.TTL > 20*time.Minute {
		t.Errorf("it lives for %v, and the one before was to live for 20m", e.TTL)
	}
	wantGet(t, u.before, "k", &old)
	e := u.rec.take()
	if len(e.lookups) != 3 || e.lookups[0].State != cache.Missing || e.lookups[1].State != cache.Present {
		t.Errorf("lookups %+v", e.lookups)
	}
	if len(e.writes) != 1 || !e.writes[0].Upgraded || e.writes[0].Outcome != cache.WriteOK || e.writes[0].State != cache.Present ||
		e.writes[0].Op != cache.OpGetOrSet || e.writes[0].Key != u.after.RedisKey("k") ||
		e.writes[0].TTL <= 0 || e.writes[0].TTL > 20*time.Minute {
		t.Errorf("writes %+v", e.writes)
	}
	if len(e.loads)+len(e.errors) != 0 {
		t.Errorf("loads %+v, errors %v", e.loads, e.errors)
	}
	if s := u.after.Stats(); s.Misses != 1 || s.Hits != 2 || s.Loads != 0 || s.Loaded != 1 || s.Upgraded != 1 || s.LoadStores != 1 {
		t.Errorf("Stats = %+v", s)
	}
}

// A value of the version before takes the place of a load, whatever the form of both.
func TestG13AnUpgradeIsNoLoad(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		msgpack, json := codec.Msgpack[runningUser](), codec.JSON[renamedUser]()
		hash, plain := hashmap.MustOf[runningUser](hashmap.UseTag("json")), hashmap.MustOf[renamedUser](hashmap.UseTag("json"))
		keys := testcache.Keyring(1)
		upgraded(t, env, codec.Codec[runningUser](msgpack), codec.Codec[renamedUser](json), retitled, running, renamed)
		upgraded(t, env, codec.Codec[runningUser](hash), codec.Codec[renamedUser](plain), retitled, running, renamed)
		upgraded(t, env, codec.Codec[runningUser](hash), codec.Codec[renamedUser](json), retitled, running, renamed)
		upgraded(t, env, codec.Codec[runningUser](msgpack), codec.Codec[renamedUser](plain), retitled, running, renamed)
		upgraded(t, env, codec.Encrypt(msgpack, keys), codec.Encrypt(json, keys), retitled, running, renamed)

		lists := func(list []string) ([]int, error) { return []int{len(list), 7}, nil }
		upgraded(t, env, codec.Codec[[]string](codec.List(codec.Text[string]())), codec.Codec[[]int](codec.List(codec.Text[int]())),
			lists, []string{"a", "b"}, []int{2, 7})
		large := strings.Repeat("x", 100_000) // is staged
		upgraded(t, env, codec.Codec[string](codec.Text[string]()), codec.Codec[string](codec.Text[string]()),
			func(s string) (string, error) { return s + "y", nil }, large, large+"y")
	})
}

// What says that a value is empty says so to an upgrade; and what is upgraded may be empty.
func TestG13AnUpgradeOfWhatIsEmpty(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		was, is := codec.Codec[[]string](codec.List(codec.Text[string]())), codec.Codec[[]int](codec.List(codec.Text[int]()))
		length := func(list []string) ([]int, error) { return []int{len(list)}, nil }
		upgraded(t, env, was, codec.Codec[[]int](codec.JSON[[]int]()), length, []string{"a"}, []int{1})
		for _, to := range []codec.Codec[[]int]{is, codec.JSON[[]int]()} {
			env.FlushAll(t)
			u := openUpgrading(t, env, was, to, length)
			set(t, u.before, "k", nil, cache.TTL(20*time.Minute))
			for range 2 {
				v, err := u.after.GetOrSet(t.Context(), "k", never[[]int](t))
				want(t, "GetOrSet", v, err, []int{0})
			}
			if e := wantState(t, u.after, "k", cache.Present); e.TTL <= 0 || e.TTL > 20*time.Minute {
				t.Errorf("it lives for %v, and the one before was to live for 20m", e.TTL)
			}
		}
		env.FlushAll(t)
		u := openUpgrading(t, env, was, is, func([]string) ([]int, error) { return nil, nil })
		set(t, u.before, "k", []string{"a"})
		set(t, u.before, "e", nil)
		for range 2 {
			for _, key := range []string{"k", "e"} {
				v, err := u.after.GetOrSet(t.Context(), key, never[[]int](t))
				want(t, "length", len(v), err, 0)
			}
		}
		wantState(t, u.after, "k", cache.Present)
		wantState(t, u.after, "e", cache.Present)
	})
}

// An upgrade never lengthens a life: that is what was left, and nothing else is asked.
func TestG13AnUpgradeKeepsTheTTL(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		u := texts(t, env, func(cfg *cache.Config[string, string]) {
			cfg.TTL, cfg.Jitter = time.Minute, 0.5
			cfg.TTLFor = func(string, *string) time.Duration { t.Error("TTLFor was asked"); return 0 }
		})
		set(t, u.before, "hour", "a")
		set(t, u.before, "forever", "b", cache.TTL(cache.Forever))
		set(t, u.before, "short", "c", cache.TTL(10*time.Minute))
		time.Sleep(9*time.Minute + 59*time.Second)
		for key, ttl := range map[string]time.Duration{
			"hour": 50*time.Minute + time.Second, "forever": cache.Forever, "short": time.Second,
		} {
			v, err := u.after.GetOrSet(t.Context(), key, never[string](t), cache.TTL(3*time.Hour))
			if err != nil || !strings.HasPrefix(v, "new ") {
				t.Errorf("GetOrSet(%s) = %q, %v", key, v, err)
			}
			if e := wantState(t, u.after, key, cache.Present); e.TTL != ttl {
				t.Errorf("%s: %v are left, want %v", key, e.TTL, ttl)
			}
		}
		time.Sleep(2 * time.Second)
		runs := 0
		v, err := texts(t, env).after.GetOrSet(t.Context(), "short", value("loaded", &runs))
		want(t, "GetOrSet of what is over", v, err, "loaded")
	})
}

// A life that ends while the value is upgraded: it is loaded.
func TestG13AnUpgradeThatOutlivesTheValue(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		text := codec.Codec[string](codec.Text[string]())
		u := openUpgrading(t, env, text, text, func(old string) (string, error) {
			time.Sleep(time.Second)
			return "new " + old, nil
		})
		set(t, u.before, "k", "a", cache.TTL(time.Second))
		runs := 0
		v, err := u.after.GetOrSet(t.Context(), "k", value("loaded", &runs))
		want(t, "GetOrSet", v, err, "loaded")
		set(t, u.before, "k", "a", cache.TTL(2*time.Second))
		v, err = u.after.GetOrSet(t.Context(), "k", value("loaded", &runs))
		want(t, "GetOrSet", v, err, "new a")
		if e := wantState(t, u.after, "k", cache.Present); e.TTL != time.Second {
			t.Errorf("%v are left, want 1s", e.TTL)
		}
		if s := u.after.Stats(); s.Upgraded != 1 || s.Loaded != 2 || s.LoadStores+s.NotStored() != 2 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

var errUpgrade = errors.New("cannot be upgraded")

// What cannot be upgraded is loaded, once, as if it was not there. The observer hears why.
func TestG13WhatCannotBeUpgradedIsLoaded(t *testing.T) {
	type cannot = upgrading[runningUser, renamedUser]
	json := codec.JSON[runningUser]()
	broken := func(stats cache.Stats) uint64 { return stats.Broken }
	outdated := func(stats cache.Stats) uint64 { return stats.Outdated }
	nothing := func(cache.Stats) uint64 { return 1 }
	tests := map[string]struct {
		upgrade func(runningUser) (renamedUser, error)
		prepare func(ctx context.Context, u *cannot, env *redistest.Env) error
		says    string // in the error that the observer hears of; empty: none
		kind    error
		counted func(cache.Stats) uint64
	}{
		"error": {upgrade: func(runningUser) (renamedUser, error) { return renamed, errUpgrade }, says: "upgrade: cannot be upgraded", kind: errUpgrade, counted: broken},
		"ErrNotFound": {upgrade: func(runningUser) (renamedUser, error) {
			return renamed, fmt.Errorf("not this one: %w", cache.ErrNotFound)
		}, counted: nothing},
		"panic": {upgrade: func(u runningUser) (renamedUser, error) { panic(secret + u.Name) }, says: "panicked with a value of type string", counted: broken},
		"bytes that are none": {prepare: func(ctx context.Context, u *cannot, env *redistest.Env) error {
			return env.Client.Set(ctx, u.before.RedisKey("k"), `{"Name":"`+secret, time.Hour).Err()
		}, says: "the entry cannot be decoded", kind: cache.ErrDecode, counted: broken},
		"another Redis type": {prepare: func(ctx context.Context, u *cannot, env *redistest.Env) error {
			return errors.Join(u.before.Delete(ctx, "k"), env.Client.RPush(ctx, u.before.RedisKey("k"), secret).Err())
		}, says: "another Redis type", kind: cache.ErrDecode, counted: broken},
		"outdated": {prepare: func(ctx context.Context, u *cannot, env *redistest.Env) error {
			return env.Client.Set(ctx, u.before.RedisKey("k"), `{"Tags":[]}`, time.Hour).Err()
		}, counted: outdated},
		"nothing": {prepare: func(ctx context.Context, u *cannot, env *redistest.Env) error {
			return u.before.Delete(ctx, "k")
		}, counted: nothing},
	}
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				env.FlushAll(t)
				upgrade := test.upgrade
				if upgrade == nil {
					upgrade = retitled
				}
				u := openUpgrading(t, env, codec.Codec[runningUser](json), codec.Codec[renamedUser](codec.JSON[renamedUser]()), upgrade)
				set(t, u.before, "k", running)
				if test.prepare != nil {
					if err := test.prepare(t.Context(), u, env); err != nil {
						t.Fatal(err)
					}
				}
				runs := 0
				for range 2 {
					v, err := u.after.GetOrSet(t.Context(), "k", value(renamed, &runs))
					want(t, "GetOrSet", v, err, renamed)
				}
				e, s := u.rec.take(), u.after.Stats()
				if runs != 1 || s.Upgraded != 0 || test.counted(s) != 1 || s.LoadStores != 1 || s.Hits != 1 {
					t.Errorf("%d loads, %+v", runs, s)
				}
				switch {
				case test.says == "" && len(e.errors) == 0:
				case test.says == "" || len(e.errors) != 1:
					t.Errorf("errors %v, want one that says %q", e.errors, test.says)
				case !strings.Contains(e.errors[0].Error(), test.says), strings.Contains(e.errors[0].Error(), secret),
					e.errors[0].Key != u.before.RedisKey("k"), e.errors[0].Op != cache.OpGetOrSet,
					!errors.Is(e.errors[0], cache.ErrDecode), test.kind != nil && !errors.Is(e.errors[0], test.kind):
					t.Errorf("error %+v", e.errors[0])
				}
				if len(e.writes) != 1 || e.writes[0].Upgraded {
					t.Errorf("writes %+v", e.writes)
				}
			})
		}
	})
}

// A value that cannot be encoded is loaded as well.
func TestG13AnUpgradeThatCannotBeEncoded(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		u := openUpgrading(t, env, codec.Codec[string](codec.Text[string]()), codec.Codec[any](codec.JSON[any]()),
			func(string) (any, error) { return func() {}, nil })
		set(t, u.before, "k", "a")
		runs := 0
		v, err := u.after.GetOrSet(t.Context(), "k", value(any("loaded"), &runs))
		want(t, "GetOrSet", v, err, any("loaded"))
		e, s := u.rec.take(), u.after.Stats()
		if len(e.errors) != 1 || !errors.Is(e.errors[0], cache.ErrEncode) || e.errors[0].Key != u.after.RedisKey("k") {
			t.Errorf("errors %v", e.errors)
		}
		if s.Upgraded != 0 || s.Loaded != 1 || s.LoadStores != 1 || len(e.writes) != 1 {
			t.Errorf("%+v, writes %+v", s, e.writes)
		}
	})
}

// An entry of this version that is broken is upgraded over, as a load would replace it.
func TestG13AnUpgradeReplacesWhatIsBroken(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		u := openUpgrading(t, env, codec.Codec[string](codec.Text[string]()), codec.Codec[int](codec.Text[int]()),
			func(old string) (int, error) { return len(old), nil })
		set(t, u.before, "k", "abc")
		if err := env.Client.Set(t.Context(), u.after.RedisKey("k"), "none", 0).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			v, err := u.after.GetOrSet(t.Context(), "k", never[int](t))
			want(t, "GetOrSet", v, err, 3)
		}
		if s := u.after.Stats(); s.Broken != 1 || s.Upgraded != 1 || s.Hits != 1 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// Calls that do not load do not upgrade, and a refresh loads. GetFields upgrades if it may load.
func TestG13WhatDoesNotUpgrade(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		is := hashmap.MustOf[renamedUser](hashmap.UseTag("json"))
		u := openUpgrading(t, env, codec.Codec[runningUser](codec.JSON[runningUser]()), codec.Codec[renamedUser](is), retitled)
		set(t, u.before, "k", running)
		wantGet(t, u.after, "k", nil)
		wantState(t, u.after, "k", cache.Missing)
		if many, err := u.after.GetMany(t.Context(), []string{"k"}); len(many) != 0 || err != nil {
			t.Errorf("GetMany = %v, %v", many, err)
		}
		title, err := hashmap.FieldOf[string](is, "title")
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if ok, err := u.after.GetFields(t.Context(), "k", nil, title.Into(&got)); ok || err != nil {
			t.Errorf("GetFields without a loader = %v, %v", ok, err)
		}
		if ok, err := u.after.GetFields(t.Context(), "k", never[renamedUser](t), title.Into(&got)); !ok || err != nil || got != "Ann" {
			t.Errorf("GetFields = %v, %v, and %q", ok, err, got)
		}
		if err := u.after.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		set(t, u.before, "k", running)
		runs := 0
		v, err := u.after.Refresh(t.Context(), "k", value(deeperTitle, &runs))
		want(t, "Refresh", v, err, deeperTitle)
		if s := u.after.Stats(); runs != 1 || s.Upgraded != 1 {
			t.Errorf("%d loads, %+v", runs, s)
		}
	})
}

var deeperTitle = renamedUser{"Bob", nil}
