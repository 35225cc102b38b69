package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// Check finds nothing where all is well, whatever the shape, and leaves nothing behind.
func TestCheckOfAServer(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		checkWell(t, env, cache.Config[string, string]{})
		checkWell(t, env, cache.Config[string, string]{Version: 2, ControlPrefix: "c:", Name: "other"})
		checkWell(t, env, cache.Config[string, person]{Codec: persons, Name: "hash"})
		checkWell(t, env, cache.Config[string, []string]{Codec: codec.List(codec.Text[string]()), Name: "list"})
		checkWell(t, env, cache.Config[string, map[string]struct{}]{Codec: codec.Set(codec.Text[string]()), Name: "{t}set"})
		checkWell(t, env, cache.Config[string, []codec.Scored[string]]{Codec: codec.SortedSet(codec.Text[string]()), Name: "sorted", Lease: cache.Off})
		left := strings.Join(env.Keys(t), " ")
		if want := "hash@prefix list@prefix other@prefix sorted@prefix test@prefix {t}set@prefix"; left != want {
			t.Errorf("Check has left %q, want %q", left, want)
		}
	})
}

func checkWell[V any](t *testing.T, env *redistest.Env, cfg cache.Config[string, V]) {
	t.Helper()
	c := open(t, env.Client, cfg)
	for range 2 {
		if err := c.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Check tells all that a server refuses, each in a sentence.
func TestCheckTellsAll(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, tt := range []struct {
			name  string
			begin func(ctx context.Context, rdb redis.UniversalClient) error
			want  []string
		}{
			{"scripts", forbids("-@scripting"), []string{"scripts are refused", "'eval'"}},
			{"hashes of scripts", forbids("-evalsha"), nil},
			{"control keys", forbids("resetkeys", "~test*"), []string{`begin with "aside:" are refused`, "choose a ControlPrefix", "permit ~aside:*"}},
			{"value keys", forbids("resetkeys", "~aside:*"), []string{`begin with "test:" are refused`, "permit ~test:*", `begin with "test@1{test:" are refused`}},
			{"versions", forbids("resetkeys", "~aside:*", "~test:*"), []string{`begin with "test@1{test:" are refused`}},
			{"commands", forbids("-pexpire", "-get", "-rename"), []string{"'pexpire'", "'get'", "'rename'", "rule +pexpire ", "rule +get ", "rule +rename "}},
			{"commands and scripts", forbids("-pexpire", "-eval", "-evalsha"), []string{"'pexpire'", "scripts are refused"}},
			{"memory", noMemory, []string{"no memory left", "maxmemory-policy is noeviction"}},
			{"replica", func(ctx context.Context, rdb redis.UniversalClient) error {
				return rdb.Do(ctx, "replicaof", "127.0.0.1", "1").Err()
			}, []string{"may only be read"}},
		} {
			t.Run(server.String()+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				rdb := server.Start(t, redistest.Standalone, noEviction...).Client(t)
				c := open(t, rdb, cache.Config[string, string]{})
				if err := tt.begin(t.Context(), rdb); err != nil {
					t.Fatal(err)
				}
				err := c.Check(t.Context())
				if (err == nil) != (tt.want == nil) || err != nil && !errors.Is(err, cache.ErrRedis) {
					t.Fatalf("Check: %v", err)
				}
				for _, want := range tt.want {
					if n := strings.Count(err.Error(), want); n != 1 {
						t.Errorf("the error says %d times %q, want once: %v", n, want, err)
					}
				}
				if n := c.Stats().RedisErrors; n != 0 {
					t.Errorf("%d errors are counted", n)
				}
			})
		}
	}
}

// Without leases nothing needs scripts that a cache cannot do without.
func TestCheckWithoutLeases(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		rdb := server.Start(t, redistest.Standalone).Client(t)
		if err := forbids("-@scripting")(t.Context(), rdb); err != nil {
			t.Fatal(err)
		}
		if err := open(t, rdb, cache.Config[string, string]{Lease: cache.Off}).Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Check asks each master of a cluster.
func TestCheckOfEachMaster(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		cluster, ok := env.Client.(*redis.ClusterClient)
		if !ok {
			return
		}
		c := open(t, env.NewUser(t, "checked", []string{"~*", "+@all"}), cache.Config[string, string]{Name: "masters"})
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var masters []string
		err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, m *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			masters = append(masters, m.Options().Addr)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, addr := range masters {
			one := redis.NewClient(&redis.Options{Addr: addr})
			for _, rule := range []string{"-strlen", "+strlen"} {
				if err := one.Do(t.Context(), "acl", "setuser", "checked", rule).Err(); err != nil {
					t.Fatal(err)
				}
				if err := c.Check(t.Context()); (err != nil) != (rule == "-strlen") {
					t.Errorf("with %s at a master: %v", rule, err)
				}
			}
			_ = one.Close()
		}
	})
}

// Check finds a fleet that is mixed in its ControlPrefix, from both sides, and a change of all
// is told once.
func TestCheckFindsMixedPrefixes(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		a := open(t, env.NewClient(t), cache.Config[string, string]{Name: "mixed"})
		b := open(t, env.NewClient(t), cache.Config[string, string]{Name: "mixed", Version: 1, ControlPrefix: "c:"})
		if err := a.Check(t.Context()); err != nil {
			t.Error(err)
		}
		for _, tt := range []struct {
			c     *cache.Cache[string, string]
			other string
		}{{b, `"aside:"`}, {a, `"c:"`}, {b, `"aside:"`}} {
			if err := tt.c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "another process has the ControlPrefix "+tt.other) {
				t.Errorf("Check of a mixed fleet: %v, want that another has %s", err, tt.other)
			}
		}
		if err := b.Check(t.Context()); err != nil {
			t.Errorf("no other is left: %v", err)
		}
	})
}

// Check ends with its context, the cache, and Redis.
func TestCheckEnds(t *testing.T) {
	env := redistest.Mini(t)
	c := open(t, env.Client, cache.Config[string, string]{RedisTimeout: 100 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	down := open(t, unused(t), cache.Config[string, string]{RedisTimeout: 100 * time.Millisecond})
	if err := down.Check(t.Context()); !errors.Is(err, cache.ErrRedis) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("without a Redis: %v", err)
	}
	_ = c.Close()
	if err := c.Check(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Check says when Redis does not tell a near cache of writes any more.
func TestCheckOfANearCache(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			rdb := server.Start(t, redistest.Standalone).Client(t)
			c := open(t, rdb, config{Near: tracking})
			if err := c.Check(t.Context()); err != nil {
				t.Error(err)
			}
			if err := rdb.Do(t.Context(), "acl", "setuser", "default", "-client|tracking").Err(); err != nil {
				t.Fatal(err)
			}
			if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "CLIENT TRACKING") {
				t.Errorf("without the right to track: %v", err)
			}
		})
	}
}

// Check says that a cluster does not serve all slots.
func TestCheckOfAClusterWithoutSlots(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	rdb := servers[0].StartCalm(t, redistest.Cluster, "--cluster-require-full-coverage", "no").Client(t)
	c := open(t, rdb, cache.Config[string, string]{})
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	master, err := rdb.(*redis.ClusterClient).MasterForKey(t.Context(), "slot")
	if err == nil {
		err = master.ClusterDelSlots(t.Context(), int(rdb.ClusterKeySlot(t.Context(), "slot").Val())).Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	until(t, "Check finds a slot that nobody has", func() bool {
		err := c.Check(t.Context())
		return err != nil && strings.Contains(err.Error(), "served by no node")
	})
}
