package cache_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// Whatever call has changed a key: what a promoted replica has in its place is deleted.
func TestG2FailoverOfWrites(t *testing.T) {
	for method, write := range failedWrites {
		for mode, cfg := range map[string]cache.Config[string, string]{
			"": {}, "no leases": {Lease: cache.Off}, "control prefix": {ControlPrefix: "other:"},
		} {
			t.Run(method+" "+mode, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					before := open(t, env.NewClient(t), cfg)
					mustSet(t, before, map[string]string{"k": "old"})
					if err := before.Close(); err != nil {
						t.Fatal(err)
					}
					var id atomic.Value
					id.Store("a")
					env.Mini.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
						if command == "INFO" {
							peer.WriteBulk(fmt.Sprintf("role:master\r\nconnected_slaves:1\r\nmaster_replid:%s\r\n", id.Load()))
						}
						return command == "INFO"
					})
					c := open(t, env.Client, cfg)
					key := c.RedisKey("k")
					old, err := env.Mini.Get(key)
					if err != nil {
						t.Fatal(err)
					}
					if method == "SetIfAbsent" {
						env.Mini.Del(key)
					}
					if err := write(t.Context(), c); err != nil && !errors.Is(err, cache.ErrNotFound) {
						t.Fatal(err)
					}
					time.Sleep(2 * time.Second)
					if err := env.Mini.Set(key, old); err != nil {
						t.Fatal(err)
					}
					id.Store("b")
					time.Sleep(2 * time.Second)
					if env.Mini.Exists(key) {
						t.Error("what the replica had is there")
					}
					wantGet(t, c, "k", nil)
					if n := c.Stats().Replayed; n == 0 {
						t.Error("Stats.Replayed = 0")
					}
				})
			})
		}
	}
}
