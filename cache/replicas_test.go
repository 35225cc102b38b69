package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// Writes wait until replicas have them, and say so when they do not: each time, on
// whatever connection they are sent. Fills do not wait.
func TestWaitReplicas(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Sentinel, redistest.Cluster} {
			t.Run(server.String()+"-"+string(topology), func(t *testing.T) {
				t.Parallel()
				i := server.Start(t, topology)
				rdb := i.Client(t)
				c := open(t, rdb, cache.Config[string, string]{WaitReplicas: 1, RedisTimeout: 300 * time.Millisecond})
				writes := map[string]func(key string) error{
					"Set":         func(key string) error { return c.Set(t.Context(), key, "v") },
					"SetAbsent":   func(key string) error { return c.SetAbsent(t.Context(), key) },
					"SetIfAbsent": func(key string) error { _, err := c.SetIfAbsent(t.Context(), key, "v"); return err },
					"Delete":      func(key string) error { return c.Delete(t.Context(), key) },
					"Delete many": func(key string) error { return c.Delete(t.Context(), key, "a", "b", "c", "d", "e") },
				}
				for name, write := range writes {
					if err := write("k"); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				nodes := i.Nodes()
				for _, replica := range nodes[len(nodes)/2:] {
					replica.Pause(t)
					defer replica.Resume(t)
				}
				for range 3 { // also for keys that are gone by then, and by other connections
					for name, write := range writes {
						if err := rdb.Del(t.Context(), "test:k").Err(); err != nil {
							t.Fatal(err)
						}
						err := write("k")
						if !errors.Is(err, cache.ErrRedis) || !strings.Contains(err.Error(), "only 0 of 1 replicas") {
							t.Errorf("%s while the replica is frozen: %v", name, err)
						}
					}
				}
				if err := rdb.Del(t.Context(), "test:k", control("test:k")).Err(); err != nil {
					t.Fatal(err)
				}
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { return "v", nil })
				want(t, "GetOrSet while the replica is frozen", v, err, "v")
				wantGet(t, c, "k", &v)
			})
		}
	}
}
