package cache_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// A service is one address that leads to one of two servers, as that of a load balancer.
type service struct {
	old, now redis.UniversalClient // of the servers themselves
	oldAddr  string
	nowAddr  string
	alone    bool                 // there are no replicas
	demote   func(*testing.T)     // makes the old one a replica that must not write
	promote  func(*testing.T)     // takes that back
	left     func(*testing.T) int // how many connections lead to the old one
}

// client returns one whose pools are both full of idle connections to the old server, and
// leads its further ones elsewhere.
func (s *service) client(t *testing.T, poolSize int) (rdb *redis.Client, lead func(addr string)) {
	var addr atomic.Pointer[string]
	lead = func(to string) { addr.Store(&to) }
	lead(s.oldAddr)
	rdb = redis.NewClient(&redis.Options{PoolSize: poolSize, Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, *addr.Load())
	}})
	t.Cleanup(func() { _ = rdb.Close() })
	fillPools(t, rdb)
	return rdb, lead
}

// fillPools gives both pools of a client idle connections.
func fillPools(t *testing.T, rdb *redis.Client) {
	t.Helper()
	const each = 4
	for range each {
		conn := rdb.Conn()
		if err := conn.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	var pipelines sync.WaitGroup
	for range each {
		pipelines.Go(func() {
			_, _ = rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Do(t.Context(), "blpop", "{nothing}", "0.1") // for as long as the others need to begin
				return nil
			})
		})
	}
	pipelines.Wait()
}

// A master that has become a replica behind one address is left by every kind of write, and
// with it by all reads, without an error.
func TestDemotedMasterIsLeft(t *testing.T) {
	for _, srv := range redistest.Servers(t) {
		t.Run(srv.String(), func(t *testing.T) {
			t.Parallel()
			testDemotion(t, realService(t, srv))
		})
	}
	t.Run("ERR READONLY", func(t *testing.T) {
		t.Parallel()
		testDemotion(t, proxyService(t))
	})
}

func testDemotion(t *testing.T, s *service) {
	for name, write := range allWrites {
		if name == "WaitReplicas" && s.alone {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s.promote(t)
			for _, server := range []redis.UniversalClient{s.old, s.now} {
				if err := server.FlushAll(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				users := demotedCache(server)
				if err := users.SetMany(t.Context(), map[int]string{1: "old", 2: "old", 3: "old"}); err != nil {
					t.Fatal(err)
				}
				users.Close()
			}
			rdb, lead := s.client(t, 20)
			s.demote(t)
			lead(s.nowAddr)
			if err := write(t.Context(), rdb); err != nil {
				t.Error(err)
			}
			if n := s.left(t); n != 0 {
				t.Errorf("%d connections lead to the demoted server after the write", n)
			}
			users := demotedCache(rdb)
			defer users.Close()
			for key := range 4 {
				want, known, err := demotedCache(s.now).Get(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				got, ok, err := users.Get(t.Context(), key)
				if got != want || ok != known || err != nil {
					t.Errorf("Get(%d) = %q, %v, %v, and the master has %q, %v", key, got, ok, err, want, known)
				}
			}
		})
	}
}

// Many caches of one client that leave a demoted master at one time do not wait for each
// other.
func TestDemotedMasterIsLeftByManyCaches(t *testing.T) {
	for range 4 {
		s := proxyService(t)
		rdb, lead := s.client(t, 4)
		var caches []*cache.Cache[int, string]
		for i := range 20 {
			caches = append(caches, open(t, rdb, cache.Config[int, string]{Name: fmt.Sprint("c", i)}))
		}
		setAll := func() {
			var callers sync.WaitGroup
			for i := range 4 * len(caches) {
				callers.Go(func() {
					if err := caches[i%len(caches)].Set(t.Context(), 1, "v"); err != nil {
						t.Error(err)
					}
				})
			}
			callers.Wait()
		}
		setAll() // so that there are as many connections as there can be
		s.demote(t)
		lead(s.nowAddr)
		setAll()
	}
}

func realService(t *testing.T, srv redistest.Server) *service {
	old, now, replica := srv.Start(t, redistest.Standalone), srv.Start(t, redistest.Standalone), srv.Start(t, redistest.Standalone)
	follow := func(t *testing.T, rdb redis.UniversalClient, host, port string) {
		t.Helper()
		if err := rdb.(*redis.Client).ReplicaOf(t.Context(), host, port).Err(); err != nil {
			t.Fatal(err)
		}
	}
	own := func(o *redis.UniversalOptions) { o.ClientName = "own" }
	s := &service{old: old.Client(t, own), now: now.Client(t), oldAddr: old.Nodes()[0].Addr, nowAddr: now.Nodes()[0].Addr}
	host, port, _ := net.SplitHostPort(s.nowAddr)
	follow(t, replica.Client(t), host, port) // so that WAIT has somebody to wait for
	s.demote = func(t *testing.T) { follow(t, s.old, "127.0.0.1", "1") }
	s.promote = func(t *testing.T) { follow(t, s.old, "no", "one") }
	s.left = func(t *testing.T) (n int) {
		list, err := s.old.ClientList(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(list) {
			if !strings.Contains(line, " name=own ") {
				n++
			}
		}
		return n
	}
	return s
}

// proxyService is one whose proxy words a refusal in its own way.
func proxyService(t *testing.T) *service {
	old, now := miniredis.RunT(t), miniredis.RunT(t)
	s := &service{alone: true, oldAddr: old.Addr(), nowAddr: now.Addr()}
	s.old, s.now = redis.NewClient(&redis.Options{Addr: s.oldAddr}), redis.NewClient(&redis.Options{Addr: s.nowAddr})
	t.Cleanup(func() { _ = errors.Join(s.old.Close(), s.now.Close()) })
	var readOnly atomic.Bool
	reads := []string{"GET", "MGET", "HGETALL", "HMGET", "EXISTS", "PTTL", "MULTI", "PING", "HELLO", "CLIENT", "BLPOP", "TYPE"}
	old.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if !readOnly.Load() || slices.Contains(reads, command) {
			return false
		}
		p.WriteError("ERR READONLY You can't write against a read only replica.")
		return true
	})
	s.demote = func(*testing.T) { readOnly.Store(true) }
	s.promote = func(*testing.T) { readOnly.Store(false) }
	s.left = func(*testing.T) int { return 0 }
	return s
}

func demotedCache(rdb redis.UniversalClient) *cache.Cache[int, string] {
	return cache.Must(cache.New(rdb, cache.Config[int, string]{Name: "u", TTL: time.Minute}))
}

// What may be repeated is, when all idle connections are dead and go-redis cannot see that, as
// with TLS.
func TestDeadConnections(t *testing.T) {
	for _, srv := range redistest.Servers(t) {
		t.Run(srv.String(), func(t *testing.T) {
			t.Parallel()
			i := srv.Start(t, redistest.Standalone)
			replica := srv.Start(t, redistest.Standalone)
			host, port, _ := net.SplitHostPort(i.Nodes()[0].Addr)
			if err := replica.Client(t).(*redis.Client).ReplicaOf(t.Context(), host, port).Err(); err != nil {
				t.Fatal(err)
			}
			for name, write := range allWrites {
				switch name {
				case "SetIfAbsent", "List.PushBack", "Pipeline of what is not repeated", "ExecAtomic":
					continue
				}
				t.Run(name, func(t *testing.T) {
					rdb := redis.NewClient(&redis.Options{Addr: i.Nodes()[0].Addr, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
						c, err := new(net.Dialer).DialContext(ctx, network, addr)
						return struct{ net.Conn }{c}, err
					}})
					defer rdb.Close()
					fillPools(t, rdb)
					if err := i.Client(t).(*redis.Client).ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
						t.Fatal(err)
					}
					if err := write(t.Context(), rdb); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// allWrites are all kinds of writes.
var allWrites = map[string]func(context.Context, *redis.Client) error{
	"Set": func(ctx context.Context, rdb *redis.Client) error { return demotedCache(rdb).Set(ctx, 1, "new") },
	"large Set": func(ctx context.Context, rdb *redis.Client) error {
		return demotedCache(rdb).Set(ctx, 1, large)
	},
	"SetAbsent": func(ctx context.Context, rdb *redis.Client) error { return demotedCache(rdb).SetAbsent(ctx, 1) },
	"SetIfAbsent": func(ctx context.Context, rdb *redis.Client) error {
		_, err := demotedCache(rdb).SetIfAbsent(ctx, 0, "new")
		return err
	},
	"SetMany": func(ctx context.Context, rdb *redis.Client) error {
		return demotedCache(rdb).SetMany(ctx, map[int]string{0: "new", 1: large, 2: "new"})
	},
	"Touch": func(ctx context.Context, rdb *redis.Client) error {
		_, err := demotedCache(rdb).Touch(ctx, 1)
		return err
	},
	"Delete":      func(ctx context.Context, rdb *redis.Client) error { return demotedCache(rdb).Delete(ctx, 1) },
	"Delete many": func(ctx context.Context, rdb *redis.Client) error { return demotedCache(rdb).Delete(ctx, 1, 2) },
	"a load": func(ctx context.Context, rdb *redis.Client) error {
		_, err := demotedCache(rdb).GetOrSet(ctx, 0, func(context.Context, int) (string, error) { return "new", nil })
		return err
	},
	"a load without a lease": func(ctx context.Context, rdb *redis.Client) error {
		c := cache.Must(cache.New(rdb, cache.Config[int, string]{Name: "u", TTL: time.Minute, Lease: cache.Off}))
		_, err := c.GetOrSet(ctx, 0, func(context.Context, int) (string, error) { return "new", nil })
		return err
	},
	"a large load": func(ctx context.Context, rdb *redis.Client) error {
		_, err := demotedCache(rdb).GetOrSet(ctx, 0, func(context.Context, int) (string, error) { return large, nil })
		return err
	},
	"a batch": func(ctx context.Context, rdb *redis.Client) error {
		_, err := demotedCache(rdb).GetOrSetMany(ctx, []int{-1, -2, -3, 0}, func(_ context.Context, keys []int) (map[int]string, error) {
			found := make(map[int]string)
			for _, key := range keys {
				found[key] = fmt.Sprint("new ", key)
			}
			return found, nil
		})
		return err
	},
	"Refresh": func(ctx context.Context, rdb *redis.Client) error {
		_, err := demotedCache(rdb).Refresh(ctx, 1, func(context.Context, int) (string, error) { return "new", nil })
		return err
	},
	"hash Set": func(ctx context.Context, rdb *redis.Client) error {
		c := cache.Must(cache.New(rdb, cache.Config[int, profile]{Name: "p", TTL: time.Minute, Codec: hashmap.MustOf[profile]()}))
		return c.Set(ctx, 1, profile{"Ann"})
	},
	"Hash.Store": func(ctx context.Context, rdb *redis.Client) error {
		return profileHash(rdb).Store(ctx, 1, profile{"Ann"})
	},
	"List.PushBack": func(ctx context.Context, rdb *redis.Client) error {
		list, err := collection.NewList(rdb, collection.Config[int, string]{Name: "l", TTL: time.Minute})
		if err == nil {
			_, err = list.PushBack(ctx, 1, "new")
		}
		return err
	},
	"Pipeline": func(ctx context.Context, rdb *redis.Client) error {
		var p collection.Pipeline
		c := demotedCache(rdb)
		got := c.In(&p).Get(1)
		c.In(&p).Set(1, "new")
		c.In(&p).Set(2, large)
		if err := p.Exec(ctx); err != nil {
			return err
		}
		_, err := got.Result()
		return err
	},
	"Pipeline of what is not repeated": func(ctx context.Context, rdb *redis.Client) error {
		var p collection.Pipeline
		c := demotedCache(rdb)
		c.In(&p).Get(1)
		c.In(&p).SetIfAbsent(0, "new")
		c.In(&p).Delete(1)
		return p.Exec(ctx)
	},
	"ExecAtomic": func(ctx context.Context, rdb *redis.Client) error {
		var p collection.Pipeline
		c := demotedCache(rdb)
		c.In(&p).Get(1)
		c.In(&p).Set(1, "new")
		c.In(&p).SetIfAbsent(0, "new")
		return p.ExecAtomic(ctx)
	},
	"WaitReplicas": func(ctx context.Context, rdb *redis.Client) error {
		c := cache.Must(cache.New(rdb, cache.Config[int, string]{Name: "u", TTL: time.Minute, WaitReplicas: 1, RedisTimeout: time.Minute}))
		if err := c.Set(ctx, 1, "new"); err != nil {
			return err
		}
		return c.Delete(ctx, 2)
	},
}
