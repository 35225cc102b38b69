package client

import (
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// First connections, of a client and of those that keep to one connection, made at the
// same time: for the race detector.
func TestFirstConns(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Topology == redistest.Cluster {
			return
		}
		for range 10 {
			rdb := env.NewClient(t).(*redis.Client)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := rdb.Ping(t.Context()).Err(); err != nil {
						t.Error(err)
					}
				})
				wg.Go(func() {
					conn := connOf(rdb)
					defer conn.Close()
					if err := conn.Ping(t.Context()).Err(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
	})
}
