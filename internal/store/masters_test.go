package store_test

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A hook of the cluster, or of its nodes alone, hears every read.
func TestHooksHearReadsOfMasters(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Topology != redistest.Cluster {
			return
		}
		for name, add := range map[string]func(*redis.ClusterClient, redis.Hook){
			"cluster": (*redis.ClusterClient).AddHook,
			"nodes": func(rdb *redis.ClusterClient, h redis.Hook) {
				rdb.OnNewNode(func(node *redis.Client) { node.AddHook(h) })
			},
		} {
			var heard atomic.Int32
			rdb := env.NewClient(t, func(*redis.UniversalOptions) {}).(*redis.ClusterClient)
			add(rdb, hook{heard: func(cmds ...redis.Cmder) {
				for _, cmd := range cmds {
					if cmd.Name() == "get" {
						heard.Add(1)
					}
				}
			}})
			s := newStore(t, rdb, codec.ShapeString)
			if err := s.Put(t.Context(), deadline(), "k", entry("k", text("v")), time.Hour); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, found, err := read(t, s, "k"); !found || err != nil {
					t.Errorf("%s: %v, %v", name, found, err)
				}
			}
			if n := heard.Load(); n != 3 {
				t.Errorf("%s: the hook heard %d of 3 reads", name, n)
			}
		}
	})
}

// What keeps a master's own client from an answer, here that it cannot connect, is the
// cluster client's to deal with.
func TestReadThatAMasterDoesNotSettle(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Topology != redistest.Cluster {
			return
		}
		var refused atomic.Int32 // connections to be refused
		rdb := env.NewClient(t, func(o *redis.UniversalOptions) {
			dialer := net.Dialer{}
			o.DialerRetries = 1
			o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if refused.Add(-1) >= 0 {
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				}
				return dialer.DialContext(ctx, network, addr)
			}
		}).(*redis.ClusterClient)
		s := newStore(t, rdb, codec.ShapeString)
		if err := s.Put(t.Context(), deadline(), "k", entry("k", text("v")), time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(t, s, "k"); err != nil || !s.ForTests().AsksMasters(t.Context(), "k") {
			t.Fatalf("reads do not go to the masters, with error %v", err)
		}
		eachMaster(t, env.Client, func(ctx context.Context, c *redis.Client) error {
			return c.Do(ctx, "client", "kill", "type", "normal", "skipme", "yes").Err()
		})
		refused.Store(1)
		if _, found, err := read(t, s, "k"); !found || err != nil || refused.Load() >= 0 {
			t.Errorf("found %v, error %v, and %d connections were not refused", found, err, refused.Load())
		}
	})
}
