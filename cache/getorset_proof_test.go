package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// leads are calls that lead the flights of "k", alone and in a batch.
var leads = map[string]func(c *cache.Cache[string, string], ctx context.Context, l *ledger) error{
	"GetOrSet": func(c *cache.Cache[string, string], ctx context.Context, l *ledger) error {
		_, err := c.GetOrSet(ctx, "k", l.one)
		return err
	},
	"GetOrSetMany": func(c *cache.Cache[string, string], ctx context.Context, l *ledger) error {
		_, err := c.GetOrSetMany(ctx, []string{"k", "l"}, l.many)
		return err
	},
}

// A flight asks for the lease, and meets a value that another process has stored meanwhile.
// A caller that joined before that is read shares it, and does not read it again. The value is a
// long one: a short one comes with the answer to the lease, before anybody can join.
func TestFoundValueIsShared(t *testing.T) {
	long := strings.Repeat("v", 20_000)
	for name, lead := range leads {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				c := open(t, f.client(t), cache.Config[string, string]{})
				if _, err := c.GetOrSetMany(t.Context(), []string{"x", "y"}, new(ledger).many); err != nil {
					t.Fatal(err)
				}
				f.delay(func(command string) time.Duration {
					if command == "EVALSHA" {
						return 100 * time.Millisecond
					}
					return 0
				}, nil)
				var l ledger
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := lead(c, t.Context(), &l); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(20 * time.Millisecond)
				wg.Go(func() {
					v, err := c.GetOrSet(t.Context(), "k", never[string](t))
					want(t, "the follower", v, err, long+"k")
				})
				time.Sleep(20 * time.Millisecond)
				for _, key := range []string{"k", "l"} {
					env.Client.Set(t.Context(), "test:"+key, long+key, time.Hour)
				}
				wg.Wait()
				if s := c.Stats(); l.calls != 0 || s.Shared != 1 {
					t.Errorf("%d loads, %d calls have shared, want none and 1", l.calls, s.Shared)
				}
			})
		})
	}
}

// A flight waits for the load of another process. A caller that joins meanwhile shares what it
// finds.
func TestAwaitedValueIsShared(t *testing.T) {
	for name, lead := range leads {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{})
				another := open(t, env.NewClient(t), cache.Config[string, string]{})
				theirs, ours := ledger{takes: time.Second}, ledger{}
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = another.GetOrSetMany(t.Context(), []string{"k", "l"}, theirs.many) })
				time.Sleep(100 * time.Millisecond)
				wg.Go(func() {
					if err := lead(c, t.Context(), &ours); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(800 * time.Millisecond)
				wg.Go(func() {
					v, err := c.GetOrSet(t.Context(), "k", never[string](t))
					want(t, "the follower", v, err, "vk")
				})
				wg.Wait()
				if s := c.Stats(); ours.calls != 0 || s.Shared != 1 {
					t.Errorf("%d loads, %d calls have shared, want none and 1", ours.calls, s.Shared)
				}
			})
		})
	}
}

// A full server grants no lease that could show whether a load is older than a write: a call that
// joins once it has begun loads for itself.
func TestManyFullServerProvesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
			t.Fatal(err)
		}
		env.Mini.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
			if command == "SET" {
				c.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
				return true
			}
			return false
		})
		c := open(t, env.Client, cache.Config[string, string]{})
		older := ledger{takes: 10 * time.Second}
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err := c.GetOrSetMany(t.Context(), []string{"k", "l"}, older.many)
			wantKeys(t, "GetOrSetMany", got, err, "k", "l")
		})
		time.Sleep(time.Second)
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("newer", &runs))
		want(t, "a caller that came once the load had begun", v, err, "newer")
		wg.Wait()
	})
}

// The only caller leaves while the leases are being obtained: they are given back, however
// many there are.
func TestManyLeaversLeaveNoLeases(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		if _, err := c.GetOrSetMany(t.Context(), []string{"x", "y"}, new(ledger).many); err != nil {
			t.Fatal(err)
		}
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" {
				return 100 * time.Millisecond
			}
			return 0
		}, nil)
		keys := make([]string, 200)
		for i := range keys {
			keys[i] = fmt.Sprint("key", i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := c.GetOrSetMany(ctx, keys, func(ctx context.Context, _ []string) (map[string]string, error) { return nil, ctx.Err() }); err == nil {
			t.Error("no error for a caller that has left")
		}
		time.Sleep(time.Second)
		f.delay(nil, nil)
		synctest.Wait()
		left := 0
		for _, key := range env.Keys(t) {
			if strings.HasPrefix(env.Client.Get(t.Context(), key).Val(), "L") {
				left++
			}
		}
		if left > 0 {
			t.Errorf("%d leases are left", left)
		}
	})
}
