package servertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// A night is a server in trouble, and a cache that is used meanwhile.
type night struct {
	server  redistest.Server
	node    *redistest.Node
	admin   *redis.Client // whose connection outlives the fault
	network faultnet.Network
	rec     *cachetest.Recorder
	cache   *cache.Cache[string, string]

	running, most atomic.Int32            // loads at once
	perKey        [nightKeys]atomic.Int32 // loads of a key at once
	twice         atomic.Bool             // two loads of one key ran at once
	worst         atomic.Int64            // duration of a call
}

const (
	nightKeys  = 50
	nightLoads = 8 // MaxLoads
	nightLoad  = 5 * time.Millisecond
)

// A fault is one row of docs/faults.md.
type fault struct {
	name       string
	timeout    time.Duration // RedisTimeout; 0: a second
	begin, end func(t *testing.T, n *night)
	serves     bool // the server goes on to serve hits: no breaker opens
	forgets    bool // it is empty afterwards
}

var nightFaults = []fault{
	{
		name:  "refused",
		begin: func(_ *testing.T, n *night) { n.network.Refuse(true) },
		end:   func(_ *testing.T, n *night) { n.network.Refuse(false) },
	},
	{
		name:  "frozen",
		begin: func(t *testing.T, n *night) { n.node.Pause(t) },
		end:   func(t *testing.T, n *night) { n.node.Resume(t) },
	},
	{
		name: "slow", serves: true, timeout: testcache.Timeout,
		begin: func(_ *testing.T, n *night) { n.network.Delay(threeTenths) },
		end:   func(_ *testing.T, n *night) { n.network.Delay(nil) },
	},
	{
		name: "too slow", timeout: 100 * time.Millisecond,
		begin: func(_ *testing.T, n *night) { n.network.Delay(threeTenths) },
		end:   func(_ *testing.T, n *night) { n.network.Delay(nil) },
	},
	{name: "loading", begin: beginLoading, end: endLoading},
	{
		name: "read-only", serves: true,
		begin: func(t *testing.T, n *night) { n.do(t, "replicaof", "127.0.0.1", "1") },
		end:   func(t *testing.T, n *night) { n.do(t, "replicaof", "no", "one") },
	},
	{
		name: "full", serves: true,
		begin: func(t *testing.T, n *night) { n.do(t, "config", "set", "maxmemory", "1") },
		end:   func(t *testing.T, n *night) { n.do(t, "config", "set", "maxmemory", "0") },
	},
	{name: "busy", begin: beginBusy, end: endBusy},
	{
		name: "no password",
		begin: func(t *testing.T, n *night) {
			n.do(t, "config", "set", "requirepass", "secret")
			n.do(t, "client", "kill", "type", "normal", "skipme", "yes")
		},
		end: func(t *testing.T, n *night) { n.do(t, "config", "set", "requirepass", "") },
	},
	{
		name: "garbage",
		begin: func(_ *testing.T, n *night) {
			n.network.Spoil(func([]byte) ([]byte, bool) {
				return []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), false
			})
		},
		end: func(_ *testing.T, n *night) { n.network.Spoil(nil) },
	},
	{
		name: "cut",
		begin: func(_ *testing.T, n *night) {
			n.network.Spoil(func(answer []byte) ([]byte, bool) { return answer[:len(answer)/2], true })
		},
		end: func(_ *testing.T, n *night) { n.network.Spoil(nil) },
	},
	{
		name: "restarted empty", forgets: true,
		begin: func(t *testing.T, n *night) { n.node.Kill(t) },
		end:   func(t *testing.T, n *night) { n.node.Restart(t) },
	},
}

func threeTenths() time.Duration { return 300 * time.Millisecond }

// In each kind of trouble a call gets the loader's value, after a wait that docs/faults.md has;
// when that trouble is one of all commands, calls are not sent any more, and when it is over the
// breaker closes by itself.
func TestG9Nights(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, f := range nightFaults {
			t.Run(server.String()+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				spend(t, server, f)
			})
		}
	}
}

func spend(t *testing.T, server redistest.Server, f fault) {
	n := newNight(t, server, f)
	hits := n.cache.Stats().Hits
	f.begin(t, n)
	if f.serves {
		n.call(t, 20, nil)
		if s := n.cache.Stats(); s.BreakerOpened != 0 || s.Loads != 0 || s.Hits < hits+20 {
			t.Errorf("Stats = %+v, want hits alone", s)
		}
		v, err := n.cache.GetOrSet(t.Context(), "other", n.load)
		testcache.Want(t, "a miss", v, err, "other")
		t.Logf("%s: worst call %v", f.name, time.Duration(n.worst.Load()))
		f.end(t, n)
		return
	}
	n.call(t, 1<<30, n.isOpen)
	first := time.Duration(n.worst.Swap(0))
	probes, dials := n.probes(), n.network.Dials()
	notAsked := n.cache.Stats().NotAsked
	began := time.Now()
	n.call(t, 2000, nil)
	if s := n.cache.Stats(); s.NotAsked-notAsked < 1900 {
		t.Errorf("of 2000 calls %d were not sent", s.NotAsked-notAsked)
	}
	open := time.Since(began)
	began = time.Now()
	for range 1000 {
		_, _, _ = n.cache.Get(t.Context(), n.key(0))
	}
	get := time.Since(began) / 1000
	if err := n.cache.Delete(t.Context(), "other"); !errors.Is(err, cache.ErrRedis) {
		t.Errorf("Delete: %v, want an ErrRedis", err)
	}
	later := time.Duration(n.worst.Swap(0))
	dials = n.network.Dials() - dials
	f.end(t, n)
	ended := time.Now()
	n.await(t, "the breaker to close", func() bool { return n.cache.Stats().Breaker == cache.BreakerClosed })
	closed := time.Since(ended)
	if n.twice.Load() || n.most.Load() > nightLoads {
		t.Errorf("%d loads at once, two of one key: %v", n.most.Load(), n.twice.Load())
	}
	if v, ok, err := n.cache.Get(t.Context(), n.key(0)); err != nil || ok == f.forgets || ok && v != n.key(0) {
		t.Errorf("Get afterwards: %q, %v, %v", v, ok, err)
	}
	if err := n.cache.Delete(t.Context(), n.key(0)); err != nil {
		t.Errorf("Delete afterwards: %v", err)
	}
	n.wantChanges(t)
	// Some 10 a second at the most, each with what go-redis dials for it.
	if most := 20 + 20*int(open/time.Second); dials > 5*most {
		t.Errorf("%d dials while the breaker was open for %v", dials, open)
	}
	t.Logf("%s: worst call until the breaker opened %v, then %v in %v, a Get %v; "+
		"%d probes that arrived, %d dials; closed after %v; %d loads", f.name, first, later, open, get, n.probes()-probes, dials, closed, n.cache.Stats().Loads)
}

func newNight(t *testing.T, server redistest.Server, f fault) *night {
	n := &night{server: server, rec: cachetest.Record()}
	i := server.StartCalm(t, redistest.Standalone, "--enable-debug-command", "yes")
	n.node = i.Nodes()[0]
	n.admin = redis.NewClient(&redis.Options{Addr: n.node.Addr, PoolSize: 1, MaxRetries: -1})
	t.Cleanup(func() { _ = n.admin.Close() })
	timeout := f.timeout
	if timeout == 0 {
		timeout = time.Second
	}
	n.cache = testcache.Open(t, i.Client(t, n.network.Through), cache.Config[string, string]{
		RedisTimeout: timeout, MaxLoads: nightLoads, Observer: n.rec.Observer(),
	})
	for k := range nightKeys { // not by the cache: a Set that fails on a busy machine is followed by deletes
		n.do(t, "set", n.cache.RedisKey(n.key(k)), n.key(k), "px", time.Hour.Milliseconds())
	}
	n.await(t, "Redis to answer", func() bool {
		_, ok, _ := n.cache.Get(t.Context(), n.key(0))
		return ok
	})
	return n
}

func (n *night) key(i int) string { return fmt.Sprint(i % nightKeys) }

// do sends a command of the person who makes trouble.
func (n *night) do(t *testing.T, args ...any) any {
	t.Helper()
	v, err := n.admin.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return v
}

// load is a source that is asked for one key at a time.
func (n *night) load(_ context.Context, key string) (string, error) {
	running := n.running.Add(1)
	defer n.running.Add(-1)
	for most := n.most.Load(); running > most && !n.most.CompareAndSwap(most, running); {
		most = n.most.Load()
	}
	var i int
	if _, err := fmt.Sscan(key, &i); err == nil {
		if n.perKey[i].Add(1) > 1 {
			n.twice.Store(true)
		}
		defer n.perKey[i].Add(-1)
	}
	time.Sleep(nightLoad)
	return key, nil
}

// call makes calls, several at a time, until there were so many, or enough reports true.
func (n *night) call(t *testing.T, count int64, enough func() bool) {
	t.Helper()
	var made atomic.Int64
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for i := made.Add(1); i <= count && (enough == nil || !enough()); i = made.Add(1) {
				began := time.Now()
				key := n.key(int(i))
				v, err := n.cache.GetOrSet(context.Background(), key, n.load)
				testcache.Want(t, "GetOrSet", v, err, key)
				took := int64(time.Since(began))
				for worst := n.worst.Load(); took > worst && !n.worst.CompareAndSwap(worst, took); {
					worst = n.worst.Load()
				}
			}
		})
	}
	callers.Wait()
}

func (n *night) isOpen() bool { return n.cache.Stats().Breaker == cache.BreakerOpen }

// await waits until done reports true.
func (n *night) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testcache.Timeout)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// wantChanges checks what the observer was told of the breaker: it opens and closes by turns.
func (n *night) wantChanges(t *testing.T) {
	t.Helper()
	n.await(t, "the observer to be told", func() bool { return len(n.rec.Breakers())%2 == 0 })
	for i, e := range n.rec.Breakers() {
		if e.State != []cache.BreakerState{cache.BreakerOpen, cache.BreakerClosed}[i%2] {
			t.Errorf("change %d is %+v", i, e)
		}
	}
	if opened := n.cache.Stats().BreakerOpened; int(opened) != len(n.rec.Breakers())/2 {
		t.Errorf("opened %d times, told %d changes", opened, len(n.rec.Breakers()))
	}
}

// probes returns how many probes the server has carried out or refused, as far as it tells.
func (n *night) probes() (count int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	info, err := n.admin.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0
	}
	for line := range strings.Lines(info) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_exists:"); ok {
			for part := range strings.SplitSeq(strings.TrimSpace(rest), ",") {
				name, value, _ := strings.Cut(part, "=")
				var k int
				if _, err := fmt.Sscan(value, &k); err == nil &&
					slices.Contains([]string{"calls", "rejected_calls"}, name) {
					count += k
				}
			}
		}
	}
	return count
}

// beginLoading has the server load its data anew, which takes until endLoading.
func beginLoading(t *testing.T, n *night) {
	n.do(t, "debug", "populate", 100000, "filler", 10)
	n.do(t, "config", "set", "key-load-delay", 10000) // microseconds a key
	n.do(t, "config", "set", "loading-process-events-interval-bytes", 1024)
	reload := redis.NewClient(&redis.Options{Addr: n.node.Addr, ReadTimeout: -1, MaxRetries: -1})
	t.Cleanup(func() { _ = reload.Close() })
	go reload.Do(context.Background(), "debug", "reload")
	n.await(t, "the server to load", func() bool {
		return redis.HasErrorPrefix(n.admin.Get(t.Context(), "k").Err(), "LOADING")
	})
}

func endLoading(t *testing.T, n *night) { n.do(t, "config", "set", "key-load-delay", 0) }

// beginBusy has the server run a script that does not end.
func beginBusy(t *testing.T, n *night) {
	n.do(t, "config", "set", "lua-time-limit", 50)
	loop := redis.NewClient(&redis.Options{Addr: n.node.Addr, ReadTimeout: -1, MaxRetries: -1})
	t.Cleanup(func() { _ = loop.Close() })
	go loop.Eval(context.Background(), "while true do end", nil)
	n.await(t, "the server to be busy", func() bool {
		return redis.HasErrorPrefix(n.admin.Get(t.Context(), "k").Err(), "BUSY")
	})
}

func endBusy(t *testing.T, n *night) { n.do(t, "script", "kill") }

// A master that dies, or is frozen, is left alone until another one has its place, and in a
// cluster the keys of the others are served meanwhile.
func TestG9NightOfAFailover(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Sentinel, redistest.Cluster} {
			for name, fault := range map[string]func(testing.TB, *redistest.Node){
				"killed": func(t testing.TB, old *redistest.Node) { old.Kill(t) },
				"frozen": func(t testing.TB, old *redistest.Node) { old.Pause(t) },
			} {
				t.Run(fmt.Sprintf("%v-%v/%s", server, topology, name), func(t *testing.T) {
					t.Parallel()
					failOver(t, server.Start(t, topology), topology == redistest.Cluster, fault)
				})
			}
		}
	}
}

func failOver(
	t *testing.T, i *redistest.Instance, cluster bool, fault func(testing.TB, *redistest.Node),
) {
	n := &night{rec: cachetest.Record()}
	n.cache = testcache.Open(t, i.Client(t), cache.Config[string, string]{
		RedisTimeout: time.Second, MaxLoads: nightLoads, Observer: n.rec.Observer(),
	})
	stored := func() bool {
		for k := range nightKeys {
			if n.cache.Set(t.Context(), n.key(k), n.key(k)) != nil {
				return false
			}
		}
		return true
	}
	n.await(t, "Redis to store values", stored)
	old := i.Master(t, "test:0")
	var others []string
	for k := range nightKeys {
		if cluster && i.Master(t, "test:"+n.key(k)) != old {
			others = append(others, n.key(k))
		}
	}
	began := time.Now()
	fault(t, old)
	n.call(t, 1<<30, n.isOpen)
	first := time.Duration(n.worst.Swap(0))
	opened := time.Since(began)
	for _, key := range others {
		v, ok, err := n.cache.Get(t.Context(), key)
		if err != nil && strings.Contains(err.Error(), "CLUSTERDOWN") {
			continue // on a busy machine the masters that are there may lose sight of each other
		}
		if err != nil || !ok || v != key {
			t.Errorf("Get(%s), of a master that is there: %q, %v, %v", key, v, ok, err)
		}
	}
	i.AwaitMaster(t, "test:0", old)
	promoted := time.Since(began)
	n.await(t, "a key of the lost master to be written", func() bool {
		return n.cache.Set(t.Context(), n.key(0), n.key(0)) == nil
	})
	written := time.Since(began) - promoted
	n.call(t, 1<<30, func() bool { return !n.isOpen() })
	n.await(t, "Redis to store values", stored)
	if n.twice.Load() || n.most.Load() > nightLoads {
		t.Errorf("%d loads at once, two of one key: %v", n.most.Load(), n.twice.Load())
	}
	t.Logf("worst call until the breaker opened, after %v, %v, then %v; promoted after %v, written %v later, all well after %v; %d changes",
		opened, first, time.Duration(n.worst.Load()), promoted, written, time.Since(began), len(n.rec.Breakers()))
}
