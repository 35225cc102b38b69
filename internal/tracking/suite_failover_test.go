package tracking

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// awaitUnproven waits until an epoch is proven no more, and returns how long that took.
func awaitUnproven(t *testing.T, e *Epoch) time.Duration {
	t.Helper()
	began := time.Now()
	for e.Proven(Now(), bound) {
		if time.Since(began) > time.Minute {
			t.Fatal("still proven after a minute")
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func TestListenerThatIsKilled(t *testing.T) {
	eachServer(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			t.Skip("miniredis kills no connections")
		}
		s, r := listen(t, env.NewClient(t), "user:")
		r.awaitConnected(t, true)
		e := awaitEpoch(t, s, "user:1", nil)
		env.EachMaster(t, func(master *redis.Client) error {
			return master.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err()
		})
		e2 := awaitEpoch(t, s, "user:1", e)
		wantProven(t, "the epoch of a connection that was killed", e, false)
		wantProven(t, "that of the next one", e2, true)
		r.await(t, "a flush for each epoch", func() bool { return r.flushes >= 3 })
		env.Client.Set(t.Context(), "user:1", "v", 0)
		r.awaitKey(t, "user:1")
	})
}

func TestServerThatFreezes(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.Start(t, redistest.Standalone)
			s, r := listen(t, i.Client(t), "user:")
			r.awaitConnected(t, true)
			e := awaitEpoch(t, s, "user:1", nil)
			i.Nodes()[0].Pause(t)
			awaitUnproven(t, e)
			r.awaitConnected(t, false)
			i.Nodes()[0].Resume(t)
			wantProven(t, "the new epoch", awaitEpoch(t, s, "user:1", e), true)
			wantProven(t, "the old epoch", e, false)
		})
	}
}

// How masters are replaced, by topology.
var replacements = map[redistest.Topology]map[string]func(t *testing.T, i *redistest.Instance, master *redistest.Node){
	redistest.Sentinel: {
		"killed": func(t *testing.T, _ *redistest.Instance, master *redistest.Node) { master.Kill(t) },
		"frozen": func(t *testing.T, _ *redistest.Instance, master *redistest.Node) { master.Pause(t) },
		"asked": func(t *testing.T, i *redistest.Instance, _ *redistest.Node) {
			sentinel := redis.NewSentinelClient(&redis.Options{Addr: i.Sentinels()[0].Addr})
			defer sentinel.Close()
			if err := sentinel.Failover(t.Context(), "main").Err(); err != nil {
				t.Error(err)
			}
		},
	},
	redistest.Cluster: {
		"killed": func(t *testing.T, _ *redistest.Instance, master *redistest.Node) { master.Kill(t) },
		"frozen": func(t *testing.T, _ *redistest.Instance, master *redistest.Node) { master.Pause(t) },
		"asked":  func(t *testing.T, i *redistest.Instance, master *redistest.Node) { takeOver(t, i, master, "") },
		"taken":  func(t *testing.T, i *redistest.Instance, master *redistest.Node) { takeOver(t, i, master, "TAKEOVER") },
	},
}

// takeOver makes the replica of a master of a cluster the master.
func takeOver(t *testing.T, i *redistest.Instance, master *redistest.Node, how string) {
	t.Helper()
	for j, n := range i.Nodes()[:3] {
		if n != master {
			continue
		}
		replica := redis.NewClient(&redis.Options{Addr: i.Nodes()[j+3].Addr})
		defer replica.Close()
		args := append([]any{"CLUSTER", "FAILOVER"}, any(how))
		if how == "" {
			args = args[:2]
		}
		if err := replica.Do(t.Context(), args...).Err(); err != nil {
			t.Error(err)
		}
	}
}

// The epoch of a master that is replaced ends, and that of the new one is of what this tells.
func TestMasterThatIsReplaced(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for topology, ways := range replacements {
			for way, replace := range ways {
				t.Run(strings.Join([]string{server.String(), string(topology), way}, "-"), func(t *testing.T) {
					t.Parallel()
					i := server.Start(t, topology)
					rdb := i.Client(t)
					s, r := listen(t, rdb, "user:")
					r.awaitConnected(t, true)
					e := awaitEpoch(t, s, "user:1", nil)
					old := i.Master(t, "user:1")
					replace(t, i, old)
					now := i.AwaitMaster(t, "user:1", old)
					t.Logf("not proven %v after all knew the new master", awaitUnproven(t, e))
					writer := redis.NewClient(&redis.Options{Addr: now.Addr})
					defer writer.Close()
					awaitMasterOf(t, s, "user:1", now)
					r.forget()
					if err := writer.Set(t.Context(), "user:1", "v", 0).Err(); err != nil {
						t.Fatal(err)
					}
					r.awaitKey(t, "user:1")
					if topology == redistest.Sentinel && way == "asked" && !r.wasTold(errMoved) {
						t.Error("the old master was listened to for as long as it took itself for one")
					}
				})
			}
		}
	}
}

// awaitMasterOf waits until a node is listened to as the master of a key.
func awaitMasterOf(t *testing.T, s *Subscription, key string, want *redistest.Node) {
	t.Helper()
	for began := time.Now(); time.Since(began) < limit; time.Sleep(time.Millisecond) {
		if e := s.Epoch(key); e != nil && e.Proven(Now(), bound) {
			e.node.mu.Lock()
			at := e.node.conn.RemoteAddr().String()
			e.node.mu.Unlock()
			if at == want.Addr {
				return
			}
		}
	}
	_, cause := s.State()
	t.Fatalf("%s is not listened to: %v", want.Addr, cause)
}
