package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// The same on real servers that are frozen: a caller with a deadline leaves while
// they still are. The client would wait for an hour.
func TestG3DeadlineOnAFrozenServer(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Standalone, redistest.Cluster} {
			t.Run(server.String()+"-"+string(topology), func(t *testing.T) {
				t.Parallel()
				instance := server.StartCalm(t, topology)
				rdb := instance.Client(t, func(o *redis.UniversalOptions) { o.ReadTimeout, o.WriteTimeout = time.Hour, time.Hour })
				// Where a write has failed, no read of the key asks Redis.
				caches := map[string]*cache.Cache[string, string]{}
				for method := range calls(nil, nil) {
					c := open(t, rdb, cache.Config[string, string]{Name: method})
					if err := c.Set(t.Context(), "k", "v"); err != nil {
						t.Fatal(err)
					}
					caches[method] = c
				}
				for _, node := range instance.Nodes() {
					node.Pause(t)
				}
				for method, c := range caches {
					call := calls(c, func(context.Context, string) (string, error) { return "v", nil })[method]
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
					if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s on a frozen server: %v, want DeadlineExceeded", method, err)
					}
					cancel()
				}
				for _, node := range instance.Nodes() {
					node.Resume(t)
				}
			})
		}
	}
}
