package collection_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// Writes wait until replicas have them, and say so when they do not: alone and in a
// pipeline, of a collection and of a cache, also when they change nothing. Reads do not wait.
func TestWaitReplicas(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Sentinel, redistest.Cluster} {
			t.Run(server.String()+"-"+string(topology), func(t *testing.T) {
				t.Parallel()
				i := server.StartCalm(t, topology)
				rdb := i.Client(t)
				opening := func(name string, timeout time.Duration) (*collection.List[string, string], *cache.Cache[string, string]) {
					cfg := config(name)
					cfg.WaitReplicas, cfg.RedisTimeout = 1, timeout
					c, err := cache.New(rdb, cache.Config[string, string]{Name: name + "-text", TTL: time.Hour, WaitReplicas: 1, RedisTimeout: timeout})
					return newList(t, rdb, cfg), opened(t, c, err)
				}
				list, text := opening("l", longTimeout)
				hastyList, hastyText := opening("l", 300*time.Millisecond)
				type (
					lists = *collection.List[string, string]
					texts = *cache.Cache[string, string]
				)
				writes := map[string]func(l lists, c texts) error{
					"PushBack": func(l lists, _ texts) error { return second(l.PushBack(t.Context(), "k", "a")) },
					"PopBack":  func(l lists, _ texts) error { return second(l.PopBack(t.Context(), "k", 9)) },
					"Delete":   func(l lists, _ texts) error { return l.Delete(t.Context(), "k") },
					"Exec": func(l lists, c texts) error {
						var p collection.Pipeline
						for _, key := range []string{"a", "b", "c", "d", "e"} { // on several masters
							l.In(&p).PushBack(key, "a")
							c.In(&p).Set(key, "v")
						}
						return p.Exec(t.Context())
					},
					"ExecAtomic": func(l lists, c texts) error {
						var p collection.Pipeline
						l.In(&p).PopBack("{t}", 1)
						c.In(&p).Delete("{t}")
						return p.ExecAtomic(t.Context())
					},
					"Exec of a delete": func(_ lists, c texts) error {
						var p collection.Pipeline
						c.In(&p).Delete("k")
						return p.Exec(t.Context())
					},
				}
				nodes := i.Nodes()
				replicas := nodes[len(nodes)/2:]
				freeze := func() {
					for _, replica := range replicas {
						replica.Pause(t)
					}
				}
				thaw := func() {
					for _, replica := range replicas {
						replica.Resume(t)
					}
				}
				defer thaw()
				if err := second(list.Len(t.Context(), "k")); err != nil { // the client knows its servers
					t.Fatal(err)
				}
				freeze() // first of all: WAIT is for everything that was ever written
				if _, err := hastyList.PopBack(t.Context(), "never", 9); !errors.Is(err, cache.ErrRedis) {
					t.Errorf("PopBack of nothing while the replicas are frozen: %v", err)
				}
				thaw()
				for name, write := range writes {
					if err := write(list, text); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if err := text.Set(t.Context(), "kept", "v"); err != nil {
					t.Fatal(err)
				}
				freeze()
				for name, write := range writes {
					if err := write(hastyList, hastyText); !errors.Is(err, cache.ErrRedis) {
						t.Errorf("%s while the replicas are frozen: %v", name, err)
					}
				}
				var p collection.Pipeline
				n, v := hastyList.In(&p).Len("a"), hastyText.In(&p).Get("kept")
				if err := p.Exec(t.Context()); err != nil {
					t.Errorf("reads while the replicas are frozen: %v", err)
				}
				want(t, "Len", n, 2)
				want(t, "Get", v, collection.Found[string]{Value: "v", OK: true})
			})
		}
	}
}

// wrapped is a client of a type that go-redis does not know.
type wrapped struct{ redis.UniversalClient }

// A client that cannot keep to one connection is refused.
func TestWaitReplicasNeedsAConnection(t *testing.T) {
	env := redistest.Mini(t)
	cfg := config("list")
	cfg.WaitReplicas, cfg.Value = 1, codec.Text[string]()
	if _, err := collection.NewList(wrapped{env.Client}, cfg); err == nil {
		t.Error("NewList of a client without connections gives no error")
	}
}
