package cache_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// A server that was frozen carries out a Set whose caller has left and whose connection is closed,
// after a Delete of another process that it has acknowledged, as it takes a large value in parts.
// The process that called Set deletes the key then, if it has not ended.
func TestG2LateWriteOfAFrozenServer(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for name, closes := range map[string]bool{"the process goes on": false, "it has ended": true} {
			t.Run(server.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				instance := server.Start(t, redistest.Standalone)
				var network faultnet.Network
				hasty := open(t, instance.Client(t), cache.Config[string, string]{RedisTimeout: 300 * time.Millisecond})
				other := open(t, instance.Client(t, network.Through), cache.Config[string, string]{})
				rdb := instance.Client(t)
				key := other.RedisKey("k")
				for _, c := range []*cache.Cache[string, string]{hasty, other} {
					if err := c.Set(t.Context(), "k", "older"); err != nil { // connects
						t.Fatal(err)
					}
				}
				node := instance.Nodes()[0]
				node.Pause(t)
				if err := hasty.Set(t.Context(), "k", strings.Repeat("late", 250_000)); !errors.Is(err, cache.ErrRedis) {
					t.Errorf("Set on a frozen server: %v", err)
				}
				if closes {
					_ = hasty.Close()
				}
				sent, deleted := network.Sent(), make(chan error, 1)
				go func() { deleted <- other.Delete(t.Context(), "k") }()
				until(t, "the Delete", func() bool { return network.Sent() > sent })
				node.Resume(t)
				if err := <-deleted; err != nil {
					t.Error(err)
				}
				exists := func() bool { return rdb.Exists(t.Context(), key).Val() == 1 }
				if closes {
					until(t, "the late Set", exists)
					return
				}
				until(t, "the delete of the process that called Set", func() bool { return hasty.Stats().Undelivered == 0 })
				until(t, "the delete after the late Set", func() bool { return !exists() })
			})
		}
	}
}
