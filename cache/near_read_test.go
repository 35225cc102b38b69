package cache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// answered is a hook that does something once, when a command has been answered and its caller
// does not know yet.
type answered struct{ do atomic.Pointer[func()] }

func (a *answered) run() {
	if do := a.do.Swap(nil); do != nil {
		(*do)()
	}
}

func (a *answered) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *answered) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer a.run()
		return next(ctx, cmd)
	}
}

func (a *answered) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer a.run()
		return next(ctx, cmds)
	}
}

// Calls that find nothing near share the read that is under way: of a value, and of none.
func TestNearReadsAreShared(t *testing.T) {
	for name, want := range map[string]string{"a value": "v", "none": ""} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				var hook answered
				sent, client := new(sentCount), env.NewClient(t)
				client.AddHook(&hook)
				client.AddHook(sent)
				c := open(t, client, config{Near: ttlOnly})
				_, _, _ = c.Get(t.Context(), "connects")
				if want != "" {
					env.Client.Set(t.Context(), c.RedisKey("k"), want, 0)
				}
				before, got := sent.Load(), make(chan string, 100)
				ask := func() {
					v, _, err := c.Get(t.Context(), "k")
					if err != nil {
						t.Error(err)
					}
					got <- v
				}
				others := func() {
					for range cap(got) - 1 {
						go ask()
					}
					synctest.Wait()
				}
				hook.do.Store(&others)
				ask()
				for range cap(got) {
					if v := <-got; v != want {
						t.Errorf("Get: %q, want %q", v, want)
					}
				}
				if n := sent.Load() - before; n != 2 {
					t.Errorf("%d commands, want 2", n)
				}
			})
		})
	}
}

// A call that begins after a write of its process does not share a read that began before.
func TestNearReadsOfBeforeAWriteAreNotShared(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var hook answered
		client := env.NewClient(t)
		client.AddHook(&hook)
		c := open(t, client, config{Near: ttlOnly})
		env.Client.Set(t.Context(), c.RedisKey("k"), "old", 0)
		write := func() {
			if err := c.Set(t.Context(), "k", "new"); err != nil {
				t.Error(err)
			}
			v, _, err := c.Get(t.Context(), "k")
			want(t, "Get after the write", v, err, "new")
		}
		hook.do.Store(&write)
		if _, _, err := c.Get(t.Context(), "k"); err != nil {
			t.Error(err)
		}
	})
}
