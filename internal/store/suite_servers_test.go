package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// What Redis is asked to do for each call, as it counts commands itself.
func TestCommandsOfACall(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			t.Skip("miniredis does not count commands")
		}
		for _, tt := range []struct {
			shape codec.Shape
			value content
			want  map[string]string
		}{
			{codec.ShapeString, text("v"), map[string]string{
				"Read": "get", "Inspect": "get get", "Inspect with TTL": "get get pttl pttl", "Put": "del evalsha set",
				"PutIfAbsent": "del evalsha set pexpire type", "PutIfAbsent of one that is there": "evalsha type",
			}},
			{codec.ShapeHash, large(codec.ShapeHash, 1001), map[string]string{
				"Read": "hgetall", "Inspect": "get hgetall", "Inspect with TTL": "get hgetall pttl pttl",
				"Put":         "del eval evalsha exists hlen hset hset pexpire pexpire pexpire rename set unlink unlink",
				"PutIfAbsent": "del evalsha get hset hset pexpire type", "PutIfAbsent of one that is there": "evalsha type",
			}},
			{codec.ShapeList, elements("a", "b"), map[string]string{
				"Read": "lrange", "Inspect": "get lrange", "Inspect with TTL": "get lrange pttl pttl",
				"Put":         "del evalsha exists pexpire rpush set unlink",
				"PutIfAbsent": "del evalsha get pexpire rpush type", "PutIfAbsent of one that is there": "evalsha type",
			}},
			{codec.ShapeSet, elements("a", "b"), map[string]string{
				"Read": "smembers", "Inspect": "get smembers", "Inspect with TTL": "get pttl pttl smembers",
				"Put":         "del evalsha exists pexpire sadd set unlink",
				"PutIfAbsent": "del evalsha get pexpire sadd type", "PutIfAbsent of one that is there": "evalsha type",
			}},
			{codec.ShapeSortedSet, content{"1": "a", "2": "b"}, map[string]string{
				"Read": "zrange", "Inspect": "get zrange", "Inspect with TTL": "get pttl pttl zrange",
				"Put":         "del evalsha exists pexpire set unlink zadd",
				"PutIfAbsent": "del evalsha get pexpire type zadd", "PutIfAbsent of one that is there": "evalsha type",
			}},
		} {
			s := newStore(t, env.Client, tt.shape)
			put := func() error { return s.Put(t.Context(), deadline(), "k", entry("k", tt.value), time.Hour) }
			putIfAbsent := func() error {
				_, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", tt.value), time.Hour)
				return err
			}
			remove := func() error { return s.Delete(t.Context(), deadline(), []string{"k"})[0] }
			_, _ = putIfAbsent(), put() // makes the scripts known
			unlinks := "unlink"
			if env.Topology == redistest.Cluster {
				unlinks = "unlink unlink"
			}
			for _, step := range []struct {
				name string
				call func() error
				want string
			}{
				{"Delete", remove, unlinks},
				{"PutIfAbsent", putIfAbsent, tt.want["PutIfAbsent"]},
				{"PutIfAbsent of one that is there", putIfAbsent, tt.want["PutIfAbsent of one that is there"]},
				{"Put", put, tt.want["Put"]},
				{"Read", func() error { _, _, err := read(t, s, "k"); return err }, tt.want["Read"]},
				{"Inspect", func() error { return s.Inspect(t.Context(), deadline(), "k", new(store.Entry), false) }, tt.want["Inspect"]},
				{"Inspect with TTL", func() error { _, err := look(t, s, "k"); return err }, tt.want["Inspect with TTL"]},
				{"PutAbsent", func() error { return s.PutAbsent(t.Context(), deadline(), "k", time.Hour) }, "evalsha set unlink"},
			} {
				eachMaster(t, env.Client, func(ctx context.Context, c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
				if err := step.call(); err != nil {
					t.Fatalf("%v: %s: %v", tt.shape, step.name, err)
				}
				want := slices.Sorted(strings.FieldsSeq(step.want))
				if got := counted(t, env.Client); !slices.Equal(got, want) {
					t.Errorf("%v: %s is %v, want %v", tt.shape, step.name, got, want)
				}
			}
		}
	})
}

// counted returns the commands that Redis has carried out for clients, as often as
// it has, save those that set up or watch a connection or a cluster.
func counted(t *testing.T, rdb redis.UniversalClient) (names []string) {
	t.Helper()
	infos := make(chan string, 16)
	eachMaster(t, rdb, func(ctx context.Context, c *redis.Client) error {
		info, err := c.Info(ctx, "commandstats").Result()
		infos <- info
		return err
	})
	close(infos)
	for info := range infos {
		for line := range strings.Lines(info) {
			name, stats, found := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
			var calls int
			if _, err := fmt.Sscanf(stats, "%d", &calls); !found || err != nil {
				continue
			}
			switch base, _, _ := strings.Cut(name, "|"); base {
			case "config", "info", "hello", "client", "cluster", "ping", "replconf", "psync", "command", "select":
				continue
			}
			for range calls {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Full memory refuses what would store, changes nothing, and is no obstacle to
// reads and deletes.
func TestFullMemory(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		rdb := server.Start(t, redistest.Standalone, "--maxmemory-policy", "noeviction").Client(t)
		for _, sh := range shapes {
			s := newStore(t, rdb, sh.shape)
			limit := func(bytes string) {
				if err := rdb.ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
					t.Fatal(err)
				}
			}
			limit("0")
			if err := s.Put(t.Context(), deadline(), "old", entry("old", sh.value), time.Hour); err != nil {
				t.Fatal(err)
			}
			limit("1")
			if err := s.Put(t.Context(), deadline(), "old", entry("old", content{"": "new"}), time.Hour); !redis.IsOOMError(err) {
				t.Errorf("%s: Put: %v", server, err)
			}
			if err := s.PutAbsent(t.Context(), deadline(), "old", time.Hour); !redis.IsOOMError(err) {
				t.Errorf("%s: PutAbsent: %v", server, err)
			}
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "new", entry("new", sh.value), time.Hour); ok || err == nil {
				t.Errorf("%s: PutIfAbsent: %v, %v", server, ok, err)
			}
			wantStored(t, rdb, "new", nil)
			if got, found, err := read(t, s, "old"); !found || err != nil || !maps.Equal(got, sh.value) {
				t.Errorf("%s: Read: %q, %v, %v", server, got, found, err)
			}
			if failed := s.Delete(t.Context(), deadline(), []string{"old"}); failed != nil {
				t.Errorf("%s: Delete: %v", server, failed)
			}
			wantStored(t, rdb, "old", nil)
		}
	}
}

// While a slot is on its way from one master to another, some of its keys are at
// either. Reads and deletes find them; what needs two keys at once says that it
// cannot be done, and does nothing.
func TestSlotThatMigrates(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.StartCalm(t, redistest.Cluster)
			for _, sh := range shapes {
				rdb := i.Client(t)
				s := newStore(t, rdb, sh.shape)
				keys := []string{"{t}here", "{t}there", "{t}both"}
				for _, key := range keys {
					if err := s.Put(t.Context(), deadline(), key, entry(key, sh.value), time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				foreign(t, rdb, rediskey.ControlKey("{t}both"), "string")
				if _, _, err := read(t, s, "{t}here"); err != nil || !s.ForTests().AsksMasters(t.Context(), "{t}here") {
					t.Errorf("reads do not go to the masters once there was one, with error %v", err)
				}
				m := migrate(t, i, "{t}")
				m.move(t, "{t}there", "{t}both")
				for _, key := range keys {
					if got, found, err := read(t, s, key); !found || err != nil || !maps.Equal(got, sh.value) {
						t.Errorf("Read %s: %q, %v, %v", key, got, found, err)
					}
					if e, err := look(t, s, key); e.State != store.Present || err != nil || !maps.Equal(contentOf(e), sh.value) {
						t.Errorf("Inspect %s: %v, %v", key, e.State, err)
					}
				}
				if e, err := look(t, s, "{t}nowhere"); e.State != store.Missing || err != nil {
					t.Errorf("Inspect at nothing: %v, %v", e.State, err)
				}
				if ok, err := s.PutIfAbsent(t.Context(), deadline(), "{t}here", entry("{t}here", sh.value), time.Hour); ok || !redis.IsTryAgainError(err) {
					t.Errorf("PutIfAbsent: %v, %v", ok, err)
				}
				if err := s.Put(t.Context(), deadline(), "{t}here", entry("{t}here", content{"": "new"}), time.Hour); !redis.IsTryAgainError(err) {
					t.Errorf("Put: %v", err)
				}
				wantStored(t, rdb, "{t}here", sh.value)
				if failed := s.Delete(t.Context(), deadline(), append(keys, "{t}nowhere", "elsewhere")); failed != nil {
					t.Errorf("Delete: %v", failed)
				}
				for _, key := range keys {
					if _, found, err := read(t, s, key); found || err != nil {
						t.Errorf("Read %s once it is deleted: %v, %v", key, found, err)
					}
				}
				m.finish(t)
				// The client still believes in the old master.
				if _, found, err := read(t, s, "{t}here"); found || err != nil {
					t.Errorf("Read of what the new master has: %v, %v", found, err)
				}
				if err := s.Put(t.Context(), deadline(), "{t}here", entry("{t}here", sh.value), time.Hour); err != nil {
					t.Errorf("Put to the new master: %v", err)
				}
				if got, found, err := read(t, newStore(t, i.Client(t), sh.shape), "{t}here"); !found || err != nil || !maps.Equal(got, sh.value) {
					t.Errorf("Read at the new master: %q, %v, %v", got, found, err)
				}
				if n := size(t, rdb); n != 1 {
					t.Errorf("%d keys are left, want the last", n)
				}
				if failed := s.Delete(t.Context(), deadline(), []string{"{t}here"}); failed != nil {
					t.Error(failed)
				}
			}
		})
	}
}

// A migration moves a slot from its master to another.
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
	m.do(t, m.to, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.fromID)
	m.do(t, m.from, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.toID)
	return m
}

func (m *migration) do(t *testing.T, c *redis.Client, args ...any) {
	t.Helper()
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(args, err)
	}
}

// move moves value keys, but not their control keys.
func (m *migration) move(t *testing.T, keys ...string) {
	t.Helper()
	host, port, _ := strings.Cut(m.to.Options().Addr, ":")
	for _, key := range keys {
		m.do(t, m.from, "MIGRATE", host, port, key, 0, 10_000)
	}
}

func (m *migration) finish(t *testing.T) {
	t.Helper()
	m.do(t, m.to, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
	m.do(t, m.from, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
}
