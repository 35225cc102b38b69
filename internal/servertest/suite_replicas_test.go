package servertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// Writes wait until replicas have them, and say so when they do not: each time, on
// whatever connection they are sent. Fills do not wait.
func TestWaitReplicas(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Sentinel, redistest.Cluster} {
			t.Run(server.String()+"-"+string(topology), func(t *testing.T) {
				t.Parallel()
				i := server.StartCalm(t, topology)
				rdb := i.Client(t)
				patient := testcache.Open(t, rdb, cache.Config[string, string]{WaitReplicas: 1, RedisTimeout: time.Minute})
				hasty := testcache.Open(t, rdb, cache.Config[string, string]{WaitReplicas: 1, RedisTimeout: 300 * time.Millisecond})
				writes := map[string]func(c *cache.Cache[string, string]) error{
					"Set":         func(c *cache.Cache[string, string]) error { return c.Set(t.Context(), "k", "v") },
					"SetAbsent":   func(c *cache.Cache[string, string]) error { return c.SetAbsent(t.Context(), "k") },
					"SetIfAbsent": func(c *cache.Cache[string, string]) error { _, err := c.SetIfAbsent(t.Context(), "k", "v"); return err },
					"Delete":      func(c *cache.Cache[string, string]) error { return c.Delete(t.Context(), "k") },
					"Delete many": func(c *cache.Cache[string, string]) error { return c.Delete(t.Context(), "k", "a", "b", "c", "d", "e") },
				}
				remove := func(keys ...string) {
					t.Helper()
					if err := rdb.Del(t.Context(), keys...).Err(); err != nil {
						t.Fatal(err)
					}
				}
				remove("test:k") // before its first command, the client asks any server for what it knows
				for name, write := range writes {
					if err := write(patient); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				nodes := i.Nodes()
				for _, replica := range nodes[len(nodes)/2:] {
					replica.Pause(t)
					defer replica.Resume(t)
				}
				for range 2 { // also for keys that are gone by then, and by other connections
					for name, write := range writes {
						remove("test:k")
						if err := write(hasty); !errors.Is(err, cache.ErrRedis) {
							t.Errorf("%s while the replica is frozen: %v", name, err)
						}
					}
				}
				v, err := patient.GetOrSet(t.Context(), "loaded", func(context.Context, string) (string, error) { return "v", nil })
				testcache.Want(t, "GetOrSet while the replica is frozen", v, err, "v")
				testcache.WantGet(t, patient, "loaded", &v)
			})
		}
	}
}

// A client of one connection is enough, also when the server has forgotten the scripts.
func TestWaitReplicasOverOneConnection(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.Start(t, redistest.Sentinel)
			rdb := i.Client(t, func(o *redis.UniversalOptions) { o.PoolSize, o.PipelinePoolSize = 1, -1 })
			c := testcache.Open(t, rdb, cache.Config[string, string]{WaitReplicas: 1})
			for name, write := range map[string]func() error{
				"Set":         func() error { return c.Set(t.Context(), "k", "v") },
				"SetIfAbsent": func() error { _, err := c.SetIfAbsent(t.Context(), "k", "v"); return err },
			} {
				if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				if err := write(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
