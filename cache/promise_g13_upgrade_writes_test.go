package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// What comes between the read of a value of the version before and the store of what was made
// of it: as with a load, that is not stored, and the next call loads.
func TestG13WriteBeatsAnUpgrade(t *testing.T) {
	type c = *cache.Cache[string, string]
	type caches struct{ before, this, after c }
	changes := map[string]struct {
		change func(ctx context.Context, c caches, rdb redis.UniversalClient) error
		then   string // what there is then, if not what is loaded
	}{
		"Delete before":    {change: func(ctx context.Context, c caches, _ redis.UniversalClient) error { return c.before.Delete(ctx, "k") }},
		"Delete by itself": {change: func(ctx context.Context, c caches, _ redis.UniversalClient) error { return c.this.Delete(ctx, "k") }},
		"Delete after":     {change: func(ctx context.Context, c caches, _ redis.UniversalClient) error { return c.after.Delete(ctx, "k") }},
		"Set before": {change: func(ctx context.Context, c caches, _ redis.UniversalClient) error {
			return c.before.Set(ctx, "k", "written")
		}, then: "new written"},
		"Set by itself": {change: func(ctx context.Context, c caches, _ redis.UniversalClient) error {
			return c.this.Set(ctx, "k", "written")
		}, then: "written"},
		"Set after": {change: func(ctx context.Context, c caches, _ redis.UniversalClient) error {
			return c.after.Set(ctx, "k", "written")
		}},
		"foreign DEL": {change: func(ctx context.Context, c caches, rdb redis.UniversalClient) error {
			return rdb.Del(ctx, c.before.RedisKey("k"), control("user:k")).Err()
		}},
		"foreign DEL of the value alone": {change: func(ctx context.Context, c caches, rdb redis.UniversalClient) error {
			return rdb.Del(ctx, c.before.RedisKey("k")).Err()
		}},
		"foreign SET": {change: func(ctx context.Context, c caches, rdb redis.UniversalClient) error {
			return rdb.Set(ctx, c.this.RedisKey("k"), "written", time.Hour).Err()
		}, then: "written"},
	}
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, test := range changes {
			for _, size := range []int{1, 100_000} { // a large value is staged
				t.Run(fmt.Sprint(name, size), func(t *testing.T) {
					env.FlushAll(t)
					var all caches
					changed := false
					text := codec.Codec[string](codec.Text[string]())
					u := openUpgrading(t, env, text, text, func(old string) (string, error) {
						if changed {
							return "new " + old, nil
						}
						changed = true
						return strings.Repeat("old", size), test.change(t.Context(), all, env.Client)
					})
					all = caches{u.before, u.after, open(t, env.NewClient(t), cache.Config[string, string]{Name: "user", Version: 3})}
					set(t, u.before, "k", "a")
					v, err := u.after.GetOrSet(t.Context(), "k", never[string](t))
					want(t, "the call that began before", v, err, strings.Repeat("old", size))
					if e := u.rec.take(); len(e.writes) < 1 || !e.writes[len(e.writes)-1].Fenced || !e.writes[len(e.writes)-1].Upgraded {
						t.Errorf("writes %+v", e.writes)
					}
					runs, then := 0, test.then
					if then == "" {
						then = "loaded"
					}
					v, err = u.after.GetOrSet(t.Context(), "k", value("loaded", &runs))
					want(t, "GetOrSet after the write", v, err, then)
					if s := u.after.Stats(); s.Fenced != 1 || s.Loaded != s.LoadStores+s.NotStored() {
						t.Errorf("Stats = %+v", s)
					}
					if env.Client.Exists(t.Context(), control("user:k")).Val() != 0 {
						t.Error("a lease was left behind")
					}
				})
			}
		}
	})
}

// A value that a write of the version after has made old is not upgraded: the write removes what
// the version before it, its neighbour, would make its value of.
func TestG13WritesReachWhatIsUpgraded(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		u := texts(t, env)
		after := open(t, env.NewClient(t), cache.Config[string, string]{Name: "user", Version: 3})
		for name, write := range map[string]func() error{
			"Delete":      func() error { return after.Delete(t.Context(), "k") },
			"Delete many": func() error { return after.Delete(t.Context(), "k", "other") },
			"Set":         func() error { return after.Set(t.Context(), "k", "written") },
			"SetMany":     func() error { return after.SetMany(t.Context(), map[string]string{"k": "written", "other": "written"}) },
			"SetIfAbsent": func() error { _, err := after.SetIfAbsent(t.Context(), "k", "written"); return err },
		} {
			env.FlushAll(t)
			set(t, u.before, "k", "a")
			if err := write(); err != nil {
				t.Fatal(err)
			}
			runs := 0
			v, err := u.after.GetOrSet(t.Context(), "k", value("loaded", &runs))
			want(t, "GetOrSet after a "+name+" by the version after", v, err, "loaded")
		}
	})
}

// The versions before the one before are not asked.
func TestG13UpgradesAreNoChain(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		u := texts(t, env, func(cfg *cache.Config[string, string]) { cfg.Version = 3 })
		set(t, u.before, "k", "a") // version 1
		runs := 0
		v, err := u.after.GetOrSet(t.Context(), "k", value("loaded", &runs))
		want(t, "GetOrSet", v, err, "loaded")
	})
}

// A batch upgrades what it can, and loads the rest in one call.
func TestG13ABatchUpgradesAndLoads(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		text := codec.Codec[string](codec.Text[string]())
		u := openUpgrading(t, env, text, text, func(old string) (string, error) {
			if old == "bad" {
				return "", errUpgrade
			}
			return "new " + old, nil
		})
		set(t, u.after, "hit", "hit")
		for _, key := range []string{"a", "b", "bad"} {
			set(t, u.before, key, key)
		}
		if err := u.after.SetAbsent(t.Context(), "absent"); err != nil {
			t.Fatal(err)
		}
		u.rec.take()
		var asked [][]string
		load := func(_ context.Context, keys []string) (map[string]string, error) {
			asked = append(asked, keys)
			return map[string]string{"bad": "loaded", "c": "loaded"}, nil
		}
		for range 2 {
			got, err := u.after.GetOrSetMany(t.Context(), []string{"bad", "a", "hit", "c", "none", "b", "absent"}, load)
			want(t, "GetOrSetMany", got, err, map[string]string{"bad": "loaded", "a": "new a", "hit": "hit", "c": "loaded", "b": "new b"})
		}
		if len(asked) != 1 || fmt.Sprint(asked[0]) != "[bad c none]" {
			t.Errorf("loaded were %v", asked)
		}
		e, s := u.rec.take(), u.after.Stats()
		marked := 0
		for _, w := range e.writes {
			if w.Upgraded {
				marked++
			}
		}
		if s.Upgraded != 2 || marked != 2 || s.Loaded != 5 || s.LoadStores != 5 || s.Loads != 1 || len(e.loads) != 1 || len(e.errors) != 1 {
			t.Errorf("%+v, %d writes are marked, loads %+v, errors %v", s, marked, e.loads, e.errors)
		}
	})
}

// A loader that fails takes no upgraded key of its batch along.
func TestG13ABatchKeepsWhatIsUpgraded(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		u := texts(t, env)
		set(t, u.before, "a", "a")
		failed := errors.New("failed")
		got, err := u.after.GetOrSetMany(t.Context(), []string{"a", "b"}, func(context.Context, []string) (map[string]string, error) {
			return nil, failed
		})
		if !errors.Is(err, failed) || len(got) != 1 || got["a"] != "new a" {
			t.Errorf("GetOrSetMany = %v, %v", got, err)
		}
		v := "new a"
		wantGet(t, u.after, "a", &v)
	})
}

// A deploy: all that the running version has stored serves the new one, which loads nothing.
func TestG13ADeployStartsWarm(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		hash := codec.Codec[runningUser](hashmap.MustOf[runningUser](hashmap.UseTag("json")))
		u := openUpgrading(t, env, hash, codec.Codec[renamedUser](codec.Msgpack[renamedUser]()), retitled)
		stored, keys := map[string]runningUser{}, []string{}
		for i := range 100 {
			key := fmt.Sprint("user ", i)
			stored[key], keys = runningUser{Name: key}, append(keys, key)
		}
		if err := u.before.SetMany(t.Context(), stored); err != nil {
			t.Fatal(err)
		}
		got, err := u.after.GetOrSetMany(t.Context(), keys[:50], func(_ context.Context, keys []string) (map[string]renamedUser, error) {
			t.Errorf("loaded were %v", keys)
			return nil, nil
		})
		if err != nil || len(got) != 50 {
			t.Errorf("GetOrSetMany: %d values, %v", len(got), err)
		}
		for _, key := range keys {
			v, err := u.after.GetOrSet(t.Context(), key, never[renamedUser](t))
			want(t, "GetOrSet", v, err, renamedUser{Title: key})
			old, err := u.before.GetOrSet(t.Context(), key, never[runningUser](t))
			want(t, "GetOrSet of the running version", old.Name, err, key)
		}
		if s := u.after.Stats(); s.Loads != 0 || s.Upgraded != 100 || s.LoadStores != 100 || s.Hits != 50 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// Callers of one key share an upgrade, in one process and in the fleet.
func TestG13CallersShareAnUpgrade(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		runs := 0
		list := codec.Codec[[]string](codec.List(codec.Text[string]()))
		upgrade := func(old []string) ([]string, error) {
			runs++
			time.Sleep(5 * time.Second) // longer than a lease
			return old, nil
		}
		u, other := openUpgrading(t, env, list, list, upgrade), openUpgrading(t, env, list, list, upgrade)
		set(t, u.before, "k", []string{"a", "b"})
		var calls sync.WaitGroup
		for _, c := range []*cache.Cache[string, []string]{u.after, other.after} {
			for range 100 {
				calls.Go(func() {
					v, err := c.GetOrSet(t.Context(), "k", never[[]string](t))
					if want(t, "GetOrSet", v, err, []string{"a", "b"}); err == nil {
						v[0] = "mine"
					}
				})
			}
		}
		calls.Wait()
		if s, o := u.after.Stats(), other.after.Stats(); runs != 1 || s.Upgraded+o.Upgraded != 1 || s.Shared+o.Shared != 198 {
			t.Errorf("%d upgrades, %+v, %+v", runs, s, o)
		}
	})
}

// A caller leaves an upgrade at its deadline, which goes on for the others.
func TestG13ACallerLeavesAnUpgrade(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		text := codec.Codec[string](codec.Text[string]())
		u := openUpgrading(t, env, text, text, func(old string) (string, error) {
			time.Sleep(2 * time.Second)
			return "new " + old, nil
		}, func(cfg *cache.Config[string, string]) { cfg.MaxLoads = 1 })
		set(t, u.before, "k", "a")
		release, began := make(chan struct{}), time.Now()
		var calls sync.WaitGroup
		calls.Go(func() { // has the only place among the loads
			_, _ = u.after.GetOrSet(t.Context(), "other", func(context.Context, string) (string, error) { <-release; return "", nil })
		})
		synctest.Wait()
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			v, err := u.after.GetOrSet(ctx, "k", never[string](t))
			wantError(t, "GetOrSet", v, err, context.DeadlineExceeded)
			if took := time.Since(began); took != time.Second {
				t.Errorf("the caller left after %v", took)
			}
		})
		v, err := u.after.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "GetOrSet", v, err, "new a")
		close(release)
		calls.Wait()
	})
}

// failPrevious is a hook that fails the reads of the version before.
type failPrevious struct {
	redis.Hook
	key string
	err error
}

func (h *failPrevious) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (h *failPrevious) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h *failPrevious) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds[0].Args()) > 1 && cmds[0].Args()[1] == any(h.key) {
			for _, cmd := range cmds {
				cmd.SetErr(h.err)
			}
			return h.err
		}
		return next(ctx, cmds)
	}
}

// Redis fails the read of the version before: the call goes on as its FailurePolicy says.
func TestG13RedisFailsAnUpgrade(t *testing.T) {
	for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			h := &failPrevious{key: "user@1{user:k}", err: errors.New("the read failed")}
			env.Client.AddHook(h)
			var rec recorder
			text := codec.Codec[string](codec.Text[string]())
			c := open(t, env.Client, cache.Config[string, string]{
				Name: "user", Version: 2, OnRedisError: policy, Observer: rec.observer(),
				Upgrade: cache.UpgradeFrom(text, func(old string) (string, error) { return "new " + old, nil }),
			})
			env.NewClient(t).Set(t.Context(), h.key, "a", time.Hour)
			runs := 0
			v, err := c.GetOrSet(t.Context(), "k", value("loaded", &runs))
			if policy == cache.Fail {
				wantError(t, "GetOrSet", v, err, cache.ErrRedis)
			} else {
				want(t, "GetOrSet", v, err, "loaded")
			}
			synctest.Wait()
			if e := rec.take(); len(e.errors) == 0 || !errors.Is(e.errors[0], cache.ErrRedis) || runs != 1-int(policy) {
				t.Errorf("%d loads, errors %v", runs, e.errors)
			}
			if left := env.NewClient(t).Exists(t.Context(), control("user:k")).Val(); left != 0 {
				t.Error("a lease was left behind")
			}
			h.key = ""
			v, err = c.GetOrSet(t.Context(), "k", never[string](t))
			want(t, "GetOrSet, once Redis answers", v, err, "new a")
		})
	}
}
