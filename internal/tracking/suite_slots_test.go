package tracking

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

// A migration moves the slot of a key from its master to another.
type migration struct {
	from, to     *redis.Client
	fromID, toID string
	slot         int
}

func migrate(t *testing.T, i *redistest.Instance, key string) *migration {
	t.Helper()
	source := i.Master(t, key)
	m := &migration{slot: int(rediskey.Slot(key))}
	for _, n := range i.Nodes()[:3] {
		c := redis.NewClient(&redis.Options{Addr: n.Addr})
		t.Cleanup(func() { _ = c.Close() })
		id, err := c.Do(t.Context(), "CLUSTER", "MYID").Text()
		if err != nil {
			t.Fatal(err)
		}
		if n == source {
			m.from, m.fromID = c, id
		} else {
			m.to, m.toID = c, id
		}
	}
	return m
}

func (m *migration) do(t *testing.T, c *redis.Client, args ...any) {
	t.Helper()
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(args, err)
	}
}

func (m *migration) open(t *testing.T) {
	t.Helper()
	m.do(t, m.to, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.fromID)
	m.do(t, m.from, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.toID)
}

func (m *migration) finish(t *testing.T) {
	t.Helper()
	m.do(t, m.to, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
	m.do(t, m.from, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
}

// When a slot moves, nothing of its old master is served any more, whether Redis tells of its
// keys or not, and then the new one is listened to.
func TestSlotThatMoves(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, how := range []string{"MIGRATE", "SETSLOT alone"} {
			t.Run(server.String()+"-"+how, func(t *testing.T) {
				t.Parallel()
				i := server.StartCalm(t, redistest.Cluster)
				rdb := i.Client(t)
				if how == "MIGRATE" {
					rdb.Set(t.Context(), "user:1", "v", 0)
				}
				s, r := listen(t, rdb, "user:")
				r.awaitConnected(t, true)
				e := awaitEpoch(t, s, "user:1", nil)
				m := migrate(t, i, "user:1")
				if how == "MIGRATE" {
					m.open(t)
					awaitUnproven(t, e) // the key may be at either
					if got := s.Epoch("user:1"); got != nil {
						t.Error("a slot that is about to move has an epoch")
					}
					host, port, _ := strings.Cut(m.to.Options().Addr, ":")
					m.do(t, m.from, "MIGRATE", host, port, "user:1", 0, 10_000)
					r.awaitKey(t, "user:1")
				}
				m.finish(t)
				t.Logf("not proven after %v", awaitUnproven(t, e))
				e2 := awaitEpoch(t, s, "user:1", e)
				if at := e2.node.options.Addr; at != m.to.Options().Addr {
					t.Errorf("the epoch is of %s, want %s", at, m.to.Options().Addr)
				}
				wantProven(t, "at the new master", e2, true)
				r.forget()
				if err := m.to.Set(t.Context(), "user:1", "w", 0).Err(); err != nil {
					t.Fatal(err)
				}
				r.awaitKey(t, "user:1")
			})
		}
	}
}
