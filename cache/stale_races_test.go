package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A scriptHook calls a function once, before the next script is sent.
type scriptHook struct {
	redis.Hook
	before atomic.Pointer[func()]
}

func (h *scriptHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *scriptHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *scriptHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			if before := h.before.Swap(nil); before != nil {
				(*before)()
			}
		}
		return next(ctx, cmd)
	}
}

// What another process has stored since a call found a stale value is what a call with NoStale
// gets, and is not refreshed.
func TestStaleValueThatWasReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		h := new(scriptHook)
		rdb := env.NewClient(t)
		rdb.AddHook(h)
		c, other := open(t, rdb, staleConfig()), open(t, env.Client, staleConfig())
		ctx := t.Context()
		replace := func() {
			if err := other.Set(ctx, "k", "new"); err != nil {
				t.Error(err)
			}
		}
		for range 2 { // the second time the script is known
			_ = other.Set(ctx, "k", "old")
			time.Sleep(61 * time.Second)
			h.before.Store(&replace)
			v, err := c.GetOrSet(ctx, "k", never[string](t), cache.NoStale())
			want(t, "NoStale", v, err, "new")

			_ = other.Set(ctx, "k", "old")
			time.Sleep(61 * time.Second)
			h.before.Store(&replace)
			v, err = c.GetOrSet(ctx, "k", never[string](t))
			want(t, "stale", v, err, "old")
			synctest.Wait()
			wantGet(t, c, "k", new("new"))
			if keys := env.Mini.Keys(); len(keys) != 1 {
				t.Errorf("Redis holds %q", keys)
			}
		}
	})
}

// Calls that join a refresh which loads share its result if they came before it began, and look
// again if it does not load.
func TestCallsThatJoinARefresh(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(ctx context.Context, other *cache.Cache[string, string]) error
		want      string
		loads     int64
	}{
		"stored": {func(context.Context, *cache.Cache[string, string]) error { return nil }, "v1", 1},
		// Who came before the load has its result, whatever becomes of the store.
		"refused": {func(ctx context.Context, other *cache.Cache[string, string]) error { return other.Delete(ctx, "k") }, "v1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				h := new(scriptHook)
				rdb := env.NewClient(t)
				rdb.AddHook(h)
				c, other := open(t, rdb, staleConfig()), open(t, env.Client, staleConfig())
				ctx := t.Context()
				_ = other.Set(ctx, "k", "old")
				time.Sleep(61 * time.Second)
				slowly := func() { time.Sleep(100 * time.Millisecond) }
				h.before.Store(&slowly)
				var source versions
				v, err := c.GetOrSet(ctx, "k", source.load)
				want(t, "stale", v, err, "old")
				synctest.Wait() // the refresh asks for the lease
				var wg sync.WaitGroup
				wg.Go(func() {
					v, err := c.GetOrSet(ctx, "k", never[string](t), cache.NoStale())
					want(t, "NoStale", v, err, tt.want)
				})
				time.Sleep(500 * time.Millisecond)
				if err := tt.meanwhile(ctx, other); err != nil {
					t.Error(err)
				}
				wg.Wait()
				source.want(t, tt.loads)
			})
		})
	}
	t.Run("gone", func(t *testing.T) {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			h := new(scriptHook)
			rdb := env.NewClient(t)
			rdb.AddHook(h)
			c, other := open(t, rdb, staleConfig()), open(t, env.Client, staleConfig())
			ctx := t.Context()
			_ = other.Set(ctx, "k", "old")
			time.Sleep(61 * time.Second)
			slowly := func() {
				time.Sleep(100 * time.Millisecond)
				if err := other.Delete(ctx, "k"); err != nil {
					t.Error(err)
				}
			}
			h.before.Store(&slowly)
			v, err := c.GetOrSet(ctx, "k", never[string](t))
			want(t, "stale", v, err, "old")
			synctest.Wait()
			var source versions
			v, err = c.GetOrSet(ctx, "k", source.load, cache.NoStale())
			want(t, "NoStale", v, err, "v1")
			wantGet(t, c, "k", &v)
		})
	})
}

// A call with NoStale does not share what another call was content with.
func TestNoStaleDoesNotShareWhatIsStale(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), staleConfig())
		ctx := t.Context()
		for range 500 { // so that misses are predicted
			_, _ = c.GetOrSet(ctx, "other", failing[string](errors.New("down")))
		}
		if err := c.Set(ctx, "k", "old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" { // the first call asks for the lease when the second one joins
				return 100 * time.Millisecond
			}
			return 0
		}, func() time.Duration { return 0 })
		var source versions
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := c.GetOrSet(ctx, "k", source.load)
			want(t, "stale", v, err, "old")
		})
		wg.Go(func() {
			time.Sleep(time.Millisecond)
			v, err := c.GetOrSet(ctx, "k", source.load, cache.NoStale())
			if err != nil || v == "old" {
				t.Errorf("NoStale: %q, %v", v, err)
			}
		})
		wg.Wait()
		time.Sleep(3 * time.Second)
	})
}

// A refresh that Redis fails is a failure like any other, of which the observer hears once, and
// calls that have joined it do without Redis.
func TestRefreshWithoutRedis(t *testing.T) {
	for _, lease := range []time.Duration{0, cache.Off} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			var r recorder
			f := newFaults(t, env)
			cfg := staleConfig()
			cfg.Lease, cfg.Observer = lease, r.observer()
			told := cfg.Observer.Lookup
			cfg.Observer.Lookup = func(ctx context.Context, e cache.LookupEvent) {
				told(ctx, e)
				if e.State == cache.Stale { // before the refresh begins
					f.refuse(true)
				}
			}
			c := open(t, f.client(t), cfg)
			if err := c.Set(t.Context(), "k", "old"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(61 * time.Second)
			v, err := c.GetOrSet(t.Context(), "k", never[string](t))
			want(t, "stale", v, err, "old")
			synctest.Wait()
			time.Sleep(500 * time.Millisecond)
			f.refuse(false)
			if errs := r.take().errors; len(errs) != 1 || !errors.Is(errs[0], cache.ErrRedis) {
				t.Errorf("errors: %v", errs)
			}
			v, err = c.GetOrSet(t.Context(), "k", never[string](t)) // backs off
			want(t, "stale", v, err, "old")
			f.refuse(false)
			time.Sleep(1500 * time.Millisecond)
			c2 := open(t, env.Client, staleConfig())
			var source versions
			v, err = c2.GetOrSet(t.Context(), "k", source.load)
			want(t, "elsewhere", v, err, "old")
			time.Sleep(2 * time.Second)
			wantGet(t, c2, "k", new("v1"))
		})
	}
}

// A loader that begins the refresh of another key does not wait for it, which may ask for the
// loader's own key, and has a place of its own under MaxLoads.
func TestRefreshBegunByALoader(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := staleConfig()
		cfg.MaxLoads = 2
		c := open(t, env.Client, cfg)
		ctx := t.Context()
		_ = c.Set(ctx, "b", "old")
		time.Sleep(61 * time.Second)
		v, err := c.GetOrSet(ctx, "a", func(ctx context.Context, _ string) (string, error) {
			b, err := c.GetOrSet(ctx, "b", func(ctx context.Context, _ string) (string, error) {
				return c.GetOrSet(ctx, "a", never[string](t))
			})
			time.Sleep(time.Second)
			return "a of " + b, err
		})
		want(t, "a", v, err, "a of old")
		time.Sleep(time.Second)
		wantGet(t, c, "b", new("a of old"))
	})
}

// A refresh in the background is a load, and no write: it leaves what other versions have.
func TestRefreshLeavesOtherVersions(t *testing.T) {
	for _, lease := range []time.Duration{0, cache.Off} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			versionOf := func(n int) *cache.Cache[string, string] {
				cfg := staleConfig()
				cfg.Version, cfg.Lease = n, lease
				return open(t, env.Client, cfg)
			}
			first, second := versionOf(1), versionOf(2)
			ctx := t.Context()
			if err := first.Set(ctx, "k", "old"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(61 * time.Second)
			v, err := second.GetOrSet(ctx, "k", value("of the second", new(int)))
			want(t, "the second version", v, err, "of the second")
			v, err = first.GetOrSet(ctx, "k", value("new", new(int)))
			want(t, "stale", v, err, "old")
			synctest.Wait()
			wantGet(t, first, "k", new("new"))
			wantGet(t, second, "k", new("of the second"))
		})
	}
}

// A call that has joined a refresh which Redis fails does without Redis, as any other call.
func TestCallThatJoinsARefreshWithoutRedis(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		h := new(scriptHook)
		rdb := f.client(t)
		rdb.AddHook(h)
		c := open(t, rdb, staleConfig())
		ctx := t.Context()
		if err := c.Set(ctx, "k", "old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		fail := func() {
			time.Sleep(100 * time.Millisecond)
			f.refuse(true)
		}
		h.before.Store(&fail)
		v, err := c.GetOrSet(ctx, "k", never[string](t))
		want(t, "stale", v, err, "old")
		synctest.Wait() // the refresh asks for the lease
		var source versions
		v, err = c.GetOrSet(ctx, "k", source.load, cache.NoStale())
		want(t, "NoStale", v, err, "v1")
		f.refuse(false)
	})
}
