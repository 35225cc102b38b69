package testcache

import (
	"cmp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// Timeout is the RedisTimeout and the Lease of a test in real time: what Redis does in the
// default one, and what outlasts the default other, depends on how busy the machine is,
// and no test does.
const Timeout = time.Minute

// Open returns a cache that is closed when the test ends. What cfg leaves out is a
// name, a TTL of an hour and, outside of a testing/synctest bubble, Timeout.
func Open[K comparable, V any](t testing.TB, rdb redis.UniversalClient, cfg cache.Config[K, V]) *cache.Cache[K, V] {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	if cfg.TTL == 0 {
		cfg.TTL = time.Hour
	}
	if !redistest.InBubble() {
		cfg.RedisTimeout = cmp.Or(cfg.RedisTimeout, Timeout)
		cfg.Lease = cmp.Or(cfg.Lease, Timeout)
	}
	c, err := cache.New(rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// Control is the control key of a Redis key without braces.
func Control(key string) string { return "aside:{" + key + "}" }
