package cache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A key whose write Redis has not acknowledged is answered by no near cache of the process, also
// where nobody tells of writes; and what such a write stores in the end, when it was late, is
// served from memory no longer than until the next of the deletes that follow it.
func TestNearAndUndeliveredWrites(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Near: ttlOnly, RedisTimeout: time.Second})
		stored(t, c, "k", "old")
		f.freeze()
		if err := c.Set(t.Context(), "k", "late"); err == nil {
			t.Fatal("Set of a frozen server")
		}
		v, err := c.GetOrSet(t.Context(), "k", value("loaded", new(int)))
		want(t, "while the write is undelivered", v, err, "loaded")
		f.thaw()
		for c.Stats().Undelivered > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		// As the late write would, which nobody tells of.
		if err := env.Client.Set(t.Context(), c.RedisKey("k"), "late", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		wantSource(t, c, "k", cache.Redis, cache.Present)
		wantSource(t, c, "k", cache.Near, cache.Present)
		time.Sleep(6 * time.Second) // less than the TTL in memory
		wantGet(t, c, "k", nil)
	})
}

// What was read after a write of the key had failed, and before the key counted as not cached, is
// not answered from memory either.
func TestNearReadsBetweenAFailureAndWhatFollows(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var c *cache.Cache[string, string]
		var once sync.Once
		keys := []string{"a", "b"}
		c = open(t, env.Client, cache.Config[string, string]{Near: ttlOnly, Observer: cache.Observer{
			Write: func(ctx context.Context, e cache.WriteEvent) {
				if e.Err == nil {
					return
				}
				once.Do(func() { // of one key, as the other does not count as not cached yet
					for _, k := range keys {
						_, _ = c.Entry(ctx, k)
					}
				})
			},
		}})
		for _, k := range keys {
			stored(t, c, k, "old")
		}
		env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
			if command == "UNLINK" {
				p.WriteError("ERR not now")
			}
			return command == "UNLINK"
		})
		if err := c.Delete(t.Context(), keys...); err == nil {
			t.Fatal("a Delete that Redis refuses")
		}
		for _, k := range keys {
			wantGet(t, c, k, nil)
		}
	})
}
