package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

var nearHits = flag.Uint64("fleet.nearhits", 0, "how many hits TestNearCachesOfAFleet waits for, on each server; 0: a second of them")

// nearEnv, when set, makes this program a worker of TestNearCachesOfAFleet: its value is the job.
const nearEnv = "ASIDE_FLEET_NEAR"

// A nearJob is what such a worker is started for: readers of all keys, which a near cache answers.
type nearJob struct {
	Addrs         []string
	Keys, Readers int
	Rest          time.Duration // of a reader after each read
	Near          cache.NearConfig
}

// A nearReport is what a worker has seen since the last.
type nearReport struct {
	Seen []seenVersion
	Hits uint64 // of the near cache, since the worker began
	Err  string
}

// A seenVersion is when the latest call began, by whatever reader of the worker, that was answered
// by a version of a key.
type seenVersion struct {
	Key, Version int
	Last         instant
}

// A nearWorker is this process, when it is one.
type nearWorker struct {
	nearJob
	cache *cache.Cache[int, int]

	readers []nearReader
}

// A nearReader has what one goroutine has seen. It is its own until the mutex is asked for.
type nearReader struct {
	mu   sync.Mutex
	seen []map[int]instant // by key, of versions
	err  error
}

// workNear reads, and reports for each line of standard input, until that ends.
func workNear(text string) error {
	logging.Disable()
	w := new(nearWorker)
	if err := json.Unmarshal([]byte(text), &w.nearJob); err != nil {
		return err
	}
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: w.Addrs})
	defer rdb.Close()
	var err error
	w.cache, err = cache.New(rdb, cache.Config[int, int]{Name: "near", TTL: time.Hour, Near: w.Near})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w.readers = make([]nearReader, w.Readers)
	var all sync.WaitGroup
	for i := range w.readers {
		for range w.Keys {
			w.readers[i].seen = append(w.readers[i].seen, make(map[int]instant))
		}
		all.Go(func() { w.readers[i].readOn(ctx, w.cache, w.Keys, w.Rest) })
	}
	err = reportOn(func() any { return w.take() })
	stop()
	all.Wait()
	return cmp.Or(err, w.cache.Close())
}

// readOn reads one key after another. A while with the lock is short, so that a report waits for
// no call of Redis.
func (r *nearReader) readOn(ctx context.Context, c *cache.Cache[int, int], keys int, rest time.Duration) {
	for key := rand.IntN(keys); ctx.Err() == nil; key = (key + 1) % keys {
		began := now()
		version, ok, err := c.Get(ctx, key)
		r.mu.Lock()
		switch {
		case err != nil:
			if ctx.Err() == nil {
				r.err = err
			}
		case ok:
			r.seen[key][version] = began
		}
		r.mu.Unlock()
		time.Sleep(rest)
	}
}

// take returns what was seen. Of each key the newest version stays, as it may be seen again.
func (w *nearWorker) take() nearReport {
	latest := make(map[seenVersion]instant) // by key and version
	report := nearReport{Hits: w.cache.Stats().NearHits}
	for i := range w.readers {
		r := &w.readers[i]
		r.mu.Lock()
		for key, versions := range r.seen {
			for version, last := range versions {
				at := seenVersion{Key: key, Version: version}
				latest[at] = max(latest[at], last)
			}
			clear(versions)
		}
		if r.err != nil {
			report.Err = r.err.Error()
			r.err = nil
		}
		r.mu.Unlock()
	}
	for at, last := range latest {
		at.Last = last
		report.Seen = append(report.Seen, at)
	}
	return report
}

// A nearWriter writes keys by a cache without a near tier, and notes when that was acknowledged.
type nearWriter struct {
	acked [][]instant // by key and version; 0: it was not
}

// writeOn writes one key after another, until ctx ends.
func (w *nearWriter) writeOn(ctx context.Context, c *cache.Cache[int, int], pause time.Duration) {
	for key := 0; ctx.Err() == nil; key = (key + 1) % len(w.acked) {
		version := len(w.acked[key])
		err := c.Set(ctx, key, version)
		at := now()
		if err != nil {
			at = 0
		}
		w.acked[key] = append(w.acked[key], at)
		time.Sleep(rand.N(pause))
	}
}

// stalenesses returns, for each write that was acknowledged and each worker that has seen an older
// version, how long after the write the last call began that has: 0 for none.
func (w *nearWriter) stalenesses(workers []map[seenVersion]instant) (all []time.Duration) {
	for _, seen := range workers {
		for key, acked := range w.acked {
			last := instant(math.MinInt64) // of all older versions
			for version, at := range acked {
				if at != 0 && last != math.MinInt64 {
					all = append(all, max(last.since(at), 0))
				}
				if s, ok := seen[seenVersion{Key: key, Version: version}]; ok {
					last = max(last, s)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// The near caches of a fleet serve nothing for more than a second after a write by another process
// has returned, while their connections are killed, the server is stopped and everything is
// deleted.
func TestNearCachesOfAFleet(t *testing.T) {
	for _, s := range stages(t) {
		t.Run(fmt.Sprintf("%s-%s", s.server, s.topology), func(t *testing.T) {
			near := cache.NearConfig{MaxEntries: 1000}
			f := &nearFleet{t: t, instance: s.server.StartCalm(t, s.topology)}
			f.run("disturbed", near, f.disturb)
			if s.topology == redistest.Standalone {
				// With threads for its answers Redis 8 sends some before what they have to come after.
				f.instance = s.server.StartCalm(t, s.topology, "--io-threads", "4")
			}
			f.run("undisturbed", near, nil)
		})
	}
}

// A near cache that nobody tells of writes is found guilty.
func TestNearCacheThatIsNotToldIsGuilty(t *testing.T) {
	f := &nearFleet{t: t, instance: stages(t)[0].server.StartCalm(t, redistest.Standalone), guilty: true}
	f.run("nobody tells", cache.NearConfig{MaxEntries: 1000, TTL: 2 * nearBound, Coherence: cache.TTLOnly}, nil)
}

type nearFleet struct {
	t        *testing.T
	instance *redistest.Instance
	guilty   bool
}

// run has three processes read what this one writes.
func (f *nearFleet) run(name string, near cache.NearConfig, disturb func(context.Context)) {
	t := f.t
	t.Helper()
	const keys, processes = 64, 3
	rdb := f.instance.Client(t)
	c, err := cache.New(rdb, cache.Config[int, int]{Name: "near", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := &nearWriter{acked: make([][]instant, keys)}
	for key := range keys {
		if err := c.Set(t.Context(), key, 0); err != nil {
			t.Fatal(err)
		}
		w.acked[key] = []instant{now()}
	}
	job := nearJob{Addrs: f.instance.Options().Addrs, Keys: keys, Readers: 2, Near: near}
	if *nearHits == 0 {
		job.Rest = 500 * time.Microsecond // other tests need the processors as well
	}
	var members []reportingMember
	for range processes {
		members = append(members, startReporting(t, nearEnv, job))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { w.writeOn(ctx, c, 2*time.Millisecond) })
	if disturb != nil {
		all.Go(func() { disturb(ctx) })
	}
	seen := make([]map[seenVersion]instant, processes)
	for i := range seen {
		seen[i] = make(map[seenVersion]instant)
	}
	hits := uint64(0)
	collect := func() {
		hits = 0
		for i, r := range reportsOf[nearReport](t, members) {
			for _, s := range r.Seen {
				at := seenVersion{Key: s.Key, Version: s.Version}
				seen[i][at] = max(seen[i][at], s.Last)
			}
			hits += r.Hits
			if r.Err != "" && disturb == nil {
				t.Errorf("%s: worker %d: %s", name, i, r.Err)
			}
		}
	}
	began := time.Now()
	for time.Since(began) < 3*nearBound || hits < *nearHits && time.Since(began) < endTimeout {
		time.Sleep(100 * time.Millisecond)
		collect()
	}
	stop()
	all.Wait()
	time.Sleep(2 * nearBound) // what is stale at rest shows
	collect()
	f.judge(name, w.stalenesses(seen), hits, time.Since(began))
}

func (f *nearFleet) judge(name string, all []time.Duration, hits uint64, took time.Duration) {
	t := f.t
	t.Helper()
	if len(all) == 0 || hits == 0 {
		t.Fatalf("%s: %d writes were seen, %d hits", name, len(all), hits)
	}
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))] }
	late := len(all) - sort.Search(len(all), func(i int) bool { return all[i] > nearBound })
	t.Logf("%s: %d hits, %d writes seen by others, in %v: the last old read began after the write by p50 %v, p99 %v, p99.9 %v, max %v; %d after more than %v",
		name, hits, len(all), took.Round(time.Second), at(0.5), at(0.99), at(0.999), at(1), late, nearBound)
	if guilty := late > 0; guilty != f.guilty {
		t.Errorf("%s: found guilty: %t, want %t", name, guilty, f.guilty)
	}
}

// disturb kills connections, stops the servers and deletes everything, until ctx ends.
func (f *nearFleet) disturb(ctx context.Context) {
	for n := 0; pause(ctx, 150*time.Millisecond) == nil; n++ {
		for _, node := range f.instance.Nodes() {
			rdb := redis.NewClient(&redis.Options{Addr: node.Addr})
			switch n % 4 {
			case 0, 2:
				_ = rdb.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Err()
			case 1:
				node.Pause(f.t)
				_ = pause(ctx, rand.N(300*time.Millisecond))
				node.Resume(f.t)
			case 3:
				_ = rdb.FlushAll(ctx).Err()
			}
			_ = rdb.Close()
		}
	}
}
