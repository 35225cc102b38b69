package cache_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/minitracking"
	"github.com/asidecache/aside/internal/redistest"
)

// slowUnlink holds back the answers to deletes.
type slowUnlink time.Duration

func (h slowUnlink) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h slowUnlink) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "unlink" {
			time.Sleep(time.Duration(h))
		}
		return err
	}
}

func (h slowUnlink) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return cmd.Name() == "unlink" }) {
			time.Sleep(time.Duration(h))
		}
		return err
	}
}

// A load that begins while a Delete is under way is not stored, but Redis grants it a lease. A call
// after the Delete waits for that lease, and no longer than until this process has released it.
func TestLeaseReleasedHere(t *testing.T) {
	for name, near := range map[string]cache.NearConfig{"Redis": {}, "near": {MaxEntries: 10}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				env.Client.Ping(t.Context()) // which starts it
				minitracking.Add(env.Mini)
				client := env.NewClient(t)
				client.AddHook(slowUnlink(10 * time.Millisecond))
				c := open(t, client, cache.Config[string, string]{Near: near})
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := c.Delete(t.Context(), "k"); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(time.Millisecond)
				var loaded time.Time
				wg.Go(func() {
					v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
						time.Sleep(time.Second)
						loaded = time.Now()
						return "during", nil
					})
					want(t, "GetOrSet during the Delete", v, err, "during")
				})
				time.Sleep(20 * time.Millisecond)
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
					if late := time.Since(loaded); loaded.IsZero() || late > time.Millisecond {
						t.Errorf("it loads %v after the load before", late)
					}
					return "after", nil
				})
				want(t, "GetOrSet after the Delete", v, err, "after")
				wg.Wait()
				synctest.Wait()
				wantGet(t, c, "k", new("after"))
			})
		})
	}
}
