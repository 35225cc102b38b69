package cache_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// While Redis does not answer, New takes no longer than RedisTimeout, and Close waits for nothing,
// also with a client that does not heed its contexts.
func TestNearWhileRedisHangs(t *testing.T) {
	const timeout = 100 * time.Millisecond
	for name, dialer := range map[string]faultnet.Dialer{
		"silent": faultnet.Silent, "refused": faultnet.Refused,
	} {
		for kind, addrs := range map[string][]string{"server": {"127.0.0.1:1"}, "cluster": {"127.0.0.1:1", "127.0.0.1:2"}} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, _ *redistest.Env) {
					rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addrs, Dialer: dialer})
					began := time.Now()
					c, err := cache.New(rdb, config{
						Name: "test", TTL: time.Hour, Near: tracking, RedisTimeout: timeout,
					})
					if err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began); took > timeout {
						t.Errorf("New took %v", took)
					}
					time.Sleep(time.Second) // so that it is being connected
					began = time.Now()
					_ = c.Close()
					if took := time.Since(began); took > 0 {
						t.Errorf("Close took %v", took)
					}
					time.Sleep(time.Minute) // in which go-redis gives up
					_ = rdb.Close()
					time.Sleep(time.Minute)
				})
			})
		}
	}
}

// A cache that is dropped without Close does not stay connected.
func TestNearOfADroppedCache(t *testing.T) {
	eachTracking(t, func(t *testing.T, env *redistest.Env) {
		before := tracked(t, env)
		func() {
			c, err := cache.New(env.Client, config{Name: "dropped", TTL: time.Hour, Near: tracking})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Set(t.Context(), "k", "v"); err != nil {
				t.Fatal(err)
			}
			keptNear(t, c, "k")
		}()
		until(t, "the end of its connection", func() bool {
			runtime.GC()
			return tracked(t, env) == before
		})
	})
}
