package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// tracking is a near cache that Redis tells of writes.
var tracking = cache.NearConfig{MaxEntries: 1000}

// eachTracking runs a test on every real server, alone and as a cluster.
func eachTracking(t *testing.T, test func(t *testing.T, env *redistest.Env)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini == nil {
			test(t, env)
		}
	})
}

// keptNear has the near cache keep what Redis has of a key.
func keptNear[V any](t *testing.T, c *cache.Cache[string, V], key string) {
	t.Helper()
	until(t, key+" is not kept in memory", func() bool {
		e, err := c.Entry(t.Context(), key)
		return err == nil && e.Source == cache.Near
	})
}

// nearWrites are what others do to the value of a key that is there.
var nearWrites = map[string]func(ctx context.Context, c *cache.Cache[string, string], rdb redis.UniversalClient) error{
	"Set": func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		return c.Set(ctx, "k", "new")
	},
	"Delete": func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		return c.Delete(ctx, "k")
	},
	"SetAbsent": func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		return c.SetAbsent(ctx, "k")
	},
	"Refresh": func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		_, err := c.Refresh(ctx, "k", func(context.Context, string) (string, error) { return "new", nil })
		return err
	},
	"a foreign SET": func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		return rdb.Set(ctx, "test:k", "new", 0).Err()
	},
	"a foreign DEL": func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		return rdb.Del(ctx, "test:k").Err()
	},
	"expiry": func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		return rdb.PExpire(ctx, "test:k", time.Millisecond).Err()
	},
}

// What any other process does to a value is heard of.
func TestG11WritesElsewhere(t *testing.T) {
	eachTracking(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, config{Near: tracking})
		rdb := env.NewClient(t)
		other := open(t, rdb, config{})
		next := open(t, rdb, config{Version: 1})
		writes := map[string]func() error{
			"Set of the next version": func() error { return next.Set(t.Context(), "k", "new") },
			"FLUSHALL":                func() error { env.FlushAll(t); return nil },
		}
		for name, write := range nearWrites {
			writes[name] = func() error { return write(t.Context(), other, rdb) }
		}
		for name, write := range writes {
			if err := other.Set(t.Context(), "k", "old"); err != nil {
				t.Fatal(err)
			}
			keptNear(t, c, "k")
			if err := write(); err != nil {
				t.Fatal(name, err)
			}
			until(t, name+" is not heard of", func() bool {
				e, err := c.Entry(t.Context(), "k")
				return err == nil && e.Value != "old"
			})
		}
		if s := c.Stats(); s.NearState != cache.NearConnected || s.NearInvalidations == 0 || s.NearFlushes == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// An absence is served for less than a second, as nobody tells of a Delete of what is not there.
func TestG11AbsenceElsewhere(t *testing.T) {
	eachTracking(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, config{Near: tracking})
		other := open(t, env.NewClient(t), config{})
		for name, write := range map[string]func() error{
			"Set":    func() error { return other.Set(t.Context(), "k", "new") },
			"Delete": func() error { return other.Delete(t.Context(), "k") },
		} {
			if err := other.SetAbsent(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			keptNear(t, c, "k")
			if err := write(); err != nil {
				t.Fatal(err)
			}
			wrote := time.Now()
			until(t, name+" is not seen", func() bool {
				began := time.Now()
				e, err := c.Entry(t.Context(), "k")
				if err == nil && e.Source == cache.Near && began.Sub(wrote) > time.Second {
					t.Fatalf("%s: an absence is served after %v", name, began.Sub(wrote))
				}
				return err == nil && e.State != cache.Absent
			})
		}
	})
}

// A history is when the numbers of a writer were acknowledged, in their order.
type history struct {
	mu    sync.Mutex
	acked []time.Time
	past  int64 // how many were acknowledged more than a second ago
}

func (h *history) add() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked = append(h.acked, time.Now())
}

// count returns how many numbers were acknowledged.
func (h *history) count() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int64(len(h.acked))
}

// least returns the least number that may be read now.
func (h *history) least() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for h.past < int64(len(h.acked)) && now.Sub(h.acked[h.past]) > time.Second {
		h.past++
	}
	return h.past
}

// killTracked ends the connections on which writes are told of.
func killTracked(t *testing.T, rdb redis.UniversalClient) {
	list, err := rdb.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(list, "\n") {
		if strings.Contains(line, " redir=0 ") || strings.Contains(line, " redir=0") {
			var id int64
			_, _ = fmt.Sscanf(line, "id=%d", &id)
			_ = rdb.(*redis.Client).ClientKillByFilter(t.Context(), "ID", fmt.Sprint(id)).Err()
		}
	}
}

// Nothing is served for more than a second after a write, whatever becomes of the connection that
// tells of writes, of the server, and of the server's threads: readers of a counter see it no
// further back than it was a second ago.
func TestG11Bound(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for name, fault := range map[string]func(t *testing.T, i *redistest.Instance, rdb redis.UniversalClient){
			"no fault": func(*testing.T, *redistest.Instance, redis.UniversalClient) {},
			"CLIENT KILL": func(t *testing.T, _ *redistest.Instance, rdb redis.UniversalClient) {
				for range 20 {
					killTracked(t, rdb)
					time.Sleep(20 * time.Millisecond)
				}
			},
			"FLUSHALL": func(t *testing.T, _ *redistest.Instance, rdb redis.UniversalClient) {
				for range 20 {
					if err := rdb.FlushAll(t.Context()).Err(); err != nil {
						t.Error(err)
					}
					time.Sleep(20 * time.Millisecond)
				}
			},
			"a pause": func(t *testing.T, i *redistest.Instance, _ redis.UniversalClient) {
				master := i.Master(t, "test:k")
				master.Pause(t)
				time.Sleep(1500 * time.Millisecond)
				master.Resume(t)
			},
		} {
			t.Run(server.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				i := server.Start(t, redistest.Standalone, "--io-threads", "4")
				wantBound(t, i, fault)
			})
		}
	}
}

func wantBound(t *testing.T, i *redistest.Instance, fault func(*testing.T, *redistest.Instance, redis.UniversalClient)) {
	rdb := i.Client(t)
	near := open(t, i.Client(t), cache.Config[string, int64]{Near: tracking})
	writer := open(t, rdb, cache.Config[string, int64]{})
	var told history
	var fromNear atomic.Int64
	var all sync.WaitGroup
	defer all.Wait()
	done := make(chan struct{})
	defer close(done)
	each := func(do func()) {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					do()
				}
			}
		})
	}
	n := int64(0)
	each(func() {
		if err := writer.Set(background, "k", n); err == nil {
			told.add()
			n++
		}
		time.Sleep(time.Millisecond)
	})
	for range 2 {
		each(func() {
			time.Sleep(100 * time.Microsecond) // between reads: others need the processor as well
			least := told.least() - 1          // the numbers begin with 0
			e, err := near.Entry(background, "k")
			if err != nil || e.State != cache.Present {
				return
			}
			if e.Source == cache.Near {
				fromNear.Add(1)
			}
			if e.Value < least {
				t.Errorf("%d from %v, a second after %d was acknowledged", e.Value, e.Source, least)
			}
		})
	}
	until(t, "nothing is served from memory", func() bool { return fromNear.Load() > 1000 })
	fault(t, i, rdb)
	last, then := told.count(), fromNear.Load()
	until(t, "nothing is served from memory any more", func() bool {
		return told.least() > last+100 && fromNear.Load() > then+1000
	})
	s := near.Stats()
	t.Logf("%d hits from memory, %d invalidations, %d flushes", s.NearHits, s.NearInvalidations, s.NearFlushes)
}

// On a server that cannot tell of writes New says so, with the ways out; where it does not answer,
// nothing is served from memory, and the observer hears why.
func TestG11Unable(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.Start(t, redistest.Standalone)
			rdb := i.Client(t)
			if err := rdb.Do(t.Context(), "acl", "setuser", "default", "-client|tracking").Err(); err != nil {
				t.Fatal(err)
			}
			_, err := cache.New(rdb, config{Name: "test", TTL: time.Hour, Near: tracking})
			if err == nil || !strings.Contains(err.Error(), "TTLOnly") {
				t.Errorf("New: %v", err)
			}
			i.Master(t, "k").Kill(t)
			heard := make(chan cache.NearEvent, 100)
			c := open(t, i.Client(t), config{Near: tracking, RedisTimeout: 100 * time.Millisecond, Observer: cache.Observer{
				Near: func(_ context.Context, e cache.NearEvent) { heard <- e },
			}})
			e := <-heard
			if e.State != cache.NearDisconnected || e.Err == nil || e.Cache != "test" || c.Stats().NearState != cache.NearDisconnected {
				t.Errorf("%+v", e)
			}
		})
	}
}

// All caches of a client hear by one connection, which ends with the last of them.
func TestG11OneConnection(t *testing.T) {
	eachTracking(t, func(t *testing.T, env *redistest.Env) {
		before := tracked(t, env)
		user := open(t, env.Client, config{Name: "user", Near: tracking})
		within := open(t, env.Client, config{Name: "user:v2", Near: tracking})
		version := open(t, env.Client, config{Name: "user", Version: 3, Near: tracking})
		all := []*cache.Cache[string, string]{user, within, version}
		other := env.NewClient(t)
		for i, c := range all {
			if err := c.Set(t.Context(), "k", "v"); err != nil {
				t.Fatal(err)
			}
			keptNear(t, c, "k")
			if err := other.Del(t.Context(), c.RedisKey("k")).Err(); err != nil {
				t.Fatal(err)
			}
			until(t, fmt.Sprint(i, " does not hear"), func() bool {
				e, err := c.Entry(t.Context(), "k")
				return err == nil && e.State == cache.Missing
			})
		}
		masters := 0
		env.EachMaster(t, func(*redis.Client) error { masters++; return nil })
		if n := tracked(t, env) - before; n != masters {
			t.Errorf("%d connections to %d masters", n, masters)
		}
		for _, c := range all {
			_ = c.Close()
		}
		until(t, "a connection stays", func() bool { return tracked(t, env) == before })
	})
}

// tracked returns how many connections there are on which writes are told of.
func tracked(t *testing.T, env *redistest.Env) (n int) {
	env.EachMaster(t, func(rdb *redis.Client) error {
		list, err := rdb.ClientList(t.Context()).Result()
		n += strings.Count(list, " redir=0")
		return err
	})
	return n
}
