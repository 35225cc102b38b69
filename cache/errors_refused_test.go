package cache_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/testcache"
)

type profile struct{ Name string }

// Whatever a server refuses, the answer to one command is never given to another, and what
// is said to have been refused has not been carried out.
func TestRefusedCommandsLeaveNoAnswers(t *testing.T) {
	for _, refused := range []string{"multi", "exec", "evalsha eval script", "multi evalsha eval script", "evalsha eval script set hset"} {
		for name, write := range refusedWrites {
			t.Run(refused+"/"+name, func(t *testing.T) {
				t.Parallel()
				m := miniredis.RunT(t)
				for i := range 60 {
					m.Set(fmt.Sprint("u:", i), fmt.Sprint("user ", i))
				}
				m.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
					command = strings.ToLower(command)
					if !slices.Contains(strings.Fields(refused), command) {
						return false
					}
					p.WriteError("NOPERM User default has no permissions to run the '" + command + "' command")
					return true
				})
				// go-redis cannot look into its connections, as into those of TLS, and what it leaves
				// unread is there when the next command is sent.
				network := new(faultnet.Network)
				network.ReadInPieces(1)
				rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Dialer: network.Dialer(nil)})
				defer rdb.Close()
				users := cache.Must(cache.New(rdb, cache.Config[int, string]{Name: "u", TTL: time.Minute, RedisTimeout: testcache.Timeout}))
				defer users.Close()
				before := visible(m)
				if err := write(t.Context(), rdb); err != nil && !slices.Equal(visible(m), before) {
					t.Errorf("%v, and yet there is now %q", err, visible(m))
				}
				var readers sync.WaitGroup
				for i := range 60 {
					readers.Go(func() {
						v, ok, err := users.Get(t.Context(), i)
						if want := fmt.Sprint("user ", i); !ok || err != nil || v != want {
							t.Errorf("Get(%d) = %q, %v, %v, want %q", i, v, ok, err, want)
						}
					})
				}
				readers.Wait()
			})
		}
	}
}

var refusedWrites = map[string]func(context.Context, redis.UniversalClient) error{
	"Set":       func(ctx context.Context, rdb redis.UniversalClient) error { return others(rdb, 0).Set(ctx, 1, "v") },
	"large Set": func(ctx context.Context, rdb redis.UniversalClient) error { return others(rdb, 0).Set(ctx, 1, large) },
	"SetAbsent": func(ctx context.Context, rdb redis.UniversalClient) error { return others(rdb, 0).SetAbsent(ctx, 1) },
	"SetIfAbsent": func(ctx context.Context, rdb redis.UniversalClient) error {
		_, err := others(rdb, 0).SetIfAbsent(ctx, 1, "v")
		return err
	},
	"SetMany": func(ctx context.Context, rdb redis.UniversalClient) error {
		return others(rdb, 0).SetMany(ctx, map[int]string{1: "v", 2: large, 3: "w"})
	},
	"Delete": func(ctx context.Context, rdb redis.UniversalClient) error { return others(rdb, 0).Delete(ctx, 1, 2) },
	"fill": func(ctx context.Context, rdb redis.UniversalClient) error {
		_, err := others(rdb, cache.Off).GetOrSet(ctx, 1, func(context.Context, int) (string, error) { return "v", nil })
		return err
	},
	"large fill": func(ctx context.Context, rdb redis.UniversalClient) error {
		_, err := others(rdb, cache.Off).GetOrSet(ctx, 1, func(context.Context, int) (string, error) { return large, nil })
		return err
	},
	"hash Set": func(ctx context.Context, rdb redis.UniversalClient) error {
		profiles := cache.Must(cache.New(rdb, cache.Config[int, profile]{Name: "p", TTL: time.Minute, RedisTimeout: testcache.Timeout, Codec: hashmap.MustOf[profile]()}))
		defer profiles.Close()
		return profiles.Set(ctx, 1, profile{"Ann"})
	},
	"list Set": func(ctx context.Context, rdb redis.UniversalClient) error {
		lists := cache.Must(cache.New(rdb, cache.Config[int, []int]{Name: "l", TTL: time.Minute, RedisTimeout: testcache.Timeout, Codec: codec.List(codec.Text[int]())}))
		defer lists.Close()
		return lists.Set(ctx, 1, []int{1, 2, 3})
	},
	"Hash.Store": func(ctx context.Context, rdb redis.UniversalClient) error {
		return profileHash(rdb).Store(ctx, 1, profile{"Ann"})
	},
	"Pipeline": func(ctx context.Context, rdb redis.UniversalClient) error { return manySteps(rdb).Exec(ctx) },
	"ExecAtomic": func(ctx context.Context, rdb redis.UniversalClient) error {
		return manySteps(rdb).ExecAtomic(ctx)
	},
}

var large = strings.Repeat("large ", 2000)

// visible are the keys of a server, but for staged values, which end by themselves.
func visible(m *miniredis.Miniredis) []string {
	return slices.DeleteFunc(m.Keys(), func(key string) bool { return strings.HasPrefix(key, "aside:") && key[6] != '{' })
}

// others is a cache beside the one that is read, which leaves nothing behind.
func others(rdb redis.UniversalClient, lease time.Duration) *cache.Cache[int, string] {
	return cache.Must(cache.New(rdb, cache.Config[int, string]{Name: "o", TTL: time.Minute, Lease: lease, RedisTimeout: testcache.Timeout}))
}

func profileHash(rdb redis.UniversalClient) *collection.Hash[int, profile] {
	h, err := collection.NewHash(rdb, collection.HashConfig[int, profile]{Name: "p", TTL: time.Minute, RedisTimeout: testcache.Timeout, Mapping: hashmap.MustOf[profile]()})
	if err != nil {
		panic(err)
	}
	return h
}

// manySteps is a pipeline of reads and writes, a large one among them.
func manySteps(rdb redis.UniversalClient) *collection.Pipeline {
	var p collection.Pipeline
	c := others(rdb, 0)
	c.In(&p).Get(1)
	c.In(&p).Set(1, "v")
	c.In(&p).Set(2, large)
	c.In(&p).SetAbsent(3)
	c.In(&p).Delete(4)
	profileHash(rdb).In(&p).Store(1, profile{"Ann"})
	c.In(&p).Get(1)
	return &p
}
