package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// numbered returns n keys.
func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
	}
	return keys
}

// acquireAll obtains the leases of keys that have none.
func acquireAll(t testing.TB, s *store.Store, keys []string) []*store.Lease {
	t.Helper()
	asks := make([]store.Ask, len(keys))
	for i, key := range keys {
		asks[i].Key = key
	}
	s.AcquireAll(t.Context(), deadline(), asks, leaseLife)
	leases := make([]*store.Lease, len(keys))
	for i, ask := range asks {
		c, err := ask.Answer, ask.Err
		if err != nil || c.Status != store.Granted || c.Lease.Key() != keys[i] {
			t.Fatalf("%s: status %v, error %v", keys[i], c.Status, err)
		}
		leases[i] = c.Lease
	}
	return leases
}

// fillAll stores a value under each lease.
func fillAll(t testing.TB, s *store.Store, leases []*store.Lease, value func(i int) content) []store.Commit {
	t.Helper()
	fills := make([]store.Commit, len(leases))
	for i, l := range leases {
		fills[i] = store.Commit{Committer: l, State: store.Present, Entry: entry(l.Key(), value(i)), TTL: leaseLife}
	}
	s.CommitAll(t.Context(), deadline(), fills)
	return fills
}

// All leases and fills of many keys, whether the servers know the scripts or not, and
// which commands that takes.
func TestManyLeases(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		keys := numbered(30)
		for range 2 {
			eachMaster(t, b.env.Client, func(ctx context.Context, c *redis.Client) error { return c.ScriptFlush(ctx).Err() })
			leases := acquireAll(t, b.store, keys)
			for i, ended := range b.store.RenewAll(t.Context(), deadline(), leases) {
				if ended {
					t.Errorf("the lease of %s has ended", keys[i])
				}
			}
			for i, f := range fillAll(t, b.store, leases[:20], func(int) content { return b.value("v") }) {
				if f.Err != nil || !f.Stored {
					t.Errorf("%s: stored %v, error %v", keys[i], f.Stored, f.Err)
				}
			}
			b.store.ReleaseAll(t.Context(), deadline(), leases[20:])
			if left := b.env.Keys(t); len(left) != 20 || slices.ContainsFunc(left, func(key string) bool { return strings.HasPrefix(key, rediskey.ControlPrefix) }) {
				t.Errorf("the keys are %q, want 20 values", left)
			}
			for i, f := range fillAll(t, b.store, leases, func(int) content { return b.value("late") }) {
				if f.Err != nil || f.Stored {
					t.Errorf("%s: stored %v once more, error %v", keys[i], f.Stored, f.Err)
				}
			}
			if failed := b.store.Delete(t.Context(), deadline(), keys); failed != nil {
				t.Fatal(failed)
			}
		}
		if b.env.Mini != nil {
			return
		}
		eachMaster(t, b.env.Client, func(ctx context.Context, c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
		acquireAll(t, b.store, keys)
		scripts := 0
		for _, name := range counted(t, b.env.Client) {
			if name == "evalsha" {
				scripts++
			}
		}
		if want := map[bool]int{true: 1, false: len(keys)}[b.env.Topology == redistest.Standalone]; scripts != want {
			t.Errorf("%d scripts for %d leases, want %d", scripts, len(keys), want)
		}
	})
}

// A script that fails for one key does so for that key alone.
func TestManyFillsOfWhichOneFails(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		s := newStore(t, env.Client, codec.ShapeSortedSet)
		filled := fillAll(t, s, acquireAll(t, s, numbered(3)), func(i int) content {
			if i == 1 {
				return content{"no number": "v"}
			}
			return content{"1": "v"}
		})
		for i, f := range filled {
			if failed := f.Err != nil; failed != (i == 1) || f.Stored == failed {
				t.Errorf("fill %d: stored %v, error %v", i, f.Stored, f.Err)
			}
		}
	})
}

// A client of one node of a cluster may not ask for keys of several slots at once, and
// learns that.
func TestManyKeysOfOneNodeOfACluster(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		cluster, ok := env.Client.(*redis.ClusterClient)
		if !ok {
			return
		}
		env.FlushAll(t)
		node, err := cluster.MasterForKey(t.Context(), "key0")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, key := range numbered(40) {
			if master, err := cluster.MasterForKey(t.Context(), key); err == nil && master == node {
				keys = append(keys, key)
			}
		}
		for _, reads := range []bool{true, false} { // what comes first
			rdb := redis.NewClient(&redis.Options{Addr: node.Options().Addr})
			t.Cleanup(func() { _ = rdb.Close() })
			s := newStore(t, rdb, codec.ShapeString)
			if !reads {
				for i, f := range fillAll(t, s, acquireAll(t, s, keys), func(int) content { return text("v") }) {
					if f.Err != nil || !f.Stored {
						t.Errorf("%s: stored %v, error %v", keys[i], f.Stored, f.Err)
					}
				}
			}
			entries := make([]*store.Entry, len(keys))
			for i := range entries {
				entries[i] = new(store.Entry)
			}
			for i, err := range s.ReadAll(t.Context(), deadline(), keys, entries) {
				if found := entries[i].State == store.Present; err != nil || found == reads {
					t.Errorf("%s: found %v, error %v", keys[i], found, err)
				}
			}
		}
	})
}

// The larger the values, the fewer keys are asked for at once.
func TestManyLargeValues(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil || env.Topology != redistest.Standalone {
			return // it is the commands that count
		}
		env.FlushAll(t)
		keys := numbered(600)
		s := newStore(t, env.Client, codec.ShapeString)
		for _, size := range []int{10, 100_000} {
			p := env.Client.Pipeline()
			for _, key := range keys {
				p.Set(t.Context(), key, strings.Repeat("x", size), 0)
			}
			if _, err := p.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries := make([]*store.Entry, len(keys))
			for i := range entries {
				entries[i] = new(store.Entry)
			}
			eachMaster(t, env.Client, func(ctx context.Context, c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
			for i, err := range s.ReadAll(t.Context(), deadline(), keys, entries) {
				if err != nil || len(entries[i].Wire.Value(0)) != size {
					t.Fatalf("%s: error %v", keys[i], err)
				}
			}
			commands := len(counted(t, env.Client))
			if small := size == 10; small && commands != 2 || !small && commands < 9 {
				t.Errorf("%d values of %d bytes took %d commands", len(keys), size, commands)
			}
		}
	})
}

// Leases that others have are neither granted once more nor good for a fill, in batches as
// for one key.
func TestManyFillsOfLeasesThatAreOthers(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		keys := numbered(3)
		first := acquireAll(t, b.store, keys)
		asks := make([]store.Ask, len(keys))
		for i, key := range keys {
			asks[i].Key = key
		}
		b.store.AcquireAll(t.Context(), deadline(), asks, leaseLife)
		for i, ask := range asks {
			c, err := ask.Answer, ask.Err
			if c.Status != store.Busy || err != nil {
				t.Errorf("%s: status %d, error %v, want Busy", keys[i], c.Status, err)
			}
		}
		if failed := b.store.Delete(t.Context(), deadline(), keys); failed != nil {
			t.Fatal(failed)
		}
		second := acquireAll(t, b.store, keys)
		for i, leases := range [][]*store.Lease{first, second} {
			for _, f := range fillAll(t, b.store, leases, func(int) content { return b.value("v") }) {
				if f.Err != nil || f.Stored != (i == 1) {
					t.Errorf("leases %d: stored %v, error %v", i, f.Stored, f.Err)
				}
			}
		}
	})
}
