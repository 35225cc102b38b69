package servertest

import (
	"context"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// A cache answers throughout a failover, by Sentinels or in a cluster: from the
// source while there is no master, from Redis again when there is one.
func TestFailover(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Sentinel, redistest.Cluster} {
			t.Run(server.String()+"-"+string(topology), func(t *testing.T) {
				t.Parallel()
				i := server.Start(t, topology)
				c := testcache.Open(t, i.Client(t), cache.Config[string, string]{RedisTimeout: time.Second})
				load := func(context.Context, string) (string, error) { return "v", nil }
				ask := func(when string) {
					t.Helper()
					v, err := c.GetOrSet(t.Context(), "k", load)
					testcache.Want(t, when, v, err, "v")
				}
				// A slow machine may need more than one call's time to connect, and the client
				// follows a failover when it learns of the new master, which go-redis sees to with
				// Sentinels, and the cache in a cluster.
				untilServed := func(when string) {
					t.Helper()
					ctx, cancel := context.WithTimeout(t.Context(), 5*testcache.Timeout)
					defer cancel()
					for ctx.Err() == nil {
						ask(when)
						if _, ok, err := c.Get(ctx, "k"); ok && err == nil {
							return
						}
					}
					t.Fatalf("%s: Redis was not used within %v", when, 5*testcache.Timeout)
				}
				untilServed("before")
				old := i.Master(t, "test:k")
				old.Kill(t)
				ask("without a master")
				i.AwaitMaster(t, "test:k", old)
				untilServed("after")
			})
		}
	}
}
