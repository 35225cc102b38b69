package servertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// A replica is promoted that has missed deletes which its master has acknowledged: the process that
// has sent them sends them again.
func TestG2FailoverForgetsDeletes(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Sentinel, redistest.Cluster} {
			t.Run(server.String()+"-"+string(topology), func(t *testing.T) {
				t.Parallel()
				forgetDeletes(t, server.Start(t, topology))
			})
		}
	}
}

const forgottenKeys = 500

func forgetDeletes(t *testing.T, i *redistest.Instance) {
	ctx := t.Context()
	c := testcache.Open(t, i.Client(t), cache.Config[string, string]{Name: "{t}", RedisTimeout: 5 * time.Second})
	values := map[string]string{}
	var keys, redisKeys []string
	for n := range forgottenKeys {
		key := fmt.Sprint(n)
		keys, redisKeys, values[key] = append(keys, key), append(redisKeys, c.RedisKey(key)), "old"
	}
	if err := c.SetMany(ctx, values); err != nil {
		t.Fatal(err)
	}
	old := i.Master(t, redisKeys[0])
	master := redis.NewClient(&redis.Options{Addr: old.Addr})
	defer master.Close()
	if err := master.Do(ctx, "set", "{t}last", "").Err(); err != nil {
		t.Fatal(err)
	}
	for have := int64(0); have < 1; { // as a test, it waits for as long as it takes
		have = master.Wait(ctx, 1, time.Second).Val()
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	nodes := i.Nodes()
	replicas := nodes[len(nodes)/2:]
	for _, replica := range replicas {
		replica.Pause(t)
	}
	// What the sockets hold on the way to the replica survives the master, so that they are filled.
	for range 32 {
		if err := master.Set(ctx, "{t}junk", strings.Repeat("x", 1<<20), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(ctx, keys...); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	old.Kill(t)
	for _, replica := range replicas {
		replica.Resume(t)
	}
	promoted := i.AwaitMaster(t, redisKeys[0], old)
	rdb := redis.NewClient(&redis.Options{Addr: promoted.Addr})
	defer rdb.Close()
	lost := rdb.Exists(ctx, redisKeys...).Val()
	after := time.Since(killed)
	for {
		left, err := rdb.Exists(ctx, redisKeys...).Result()
		if err == nil && left == 0 {
			break
		}
		if time.Since(killed) > testcache.Timeout {
			t.Fatalf("%d of %d deletes are forgotten, %v; Stats = %+v", left, forgottenKeys, err, c.Stats())
		}
	}
	t.Logf("promoted after %v, %d of %d deletes were forgotten then; all were delivered again %v later; Stats: %d",
		after, lost, forgottenKeys, time.Since(killed)-after, c.Stats().Replayed)
}
