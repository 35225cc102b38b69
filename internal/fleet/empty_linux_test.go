package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// loadedEnv, when set, makes this program a worker of TestRedisIsEmptied: its value is the job.
const loadedEnv = "ASIDE_FLEET_LOADED"

// A loadedJob is what such a worker is started for: callers that read all keys again and again.
type loadedJob struct {
	Addrs                   []string
	Keys, Callers, MaxLoads int
}

// A loadedReport is what a worker has done since the last.
type loadedReport struct {
	Loads  []timedLoad
	Calls  int
	Worst  time.Duration // of a call
	Stored uint64        // loads, since the worker began
	Err    string        // of a call
}

// A timedLoad is a load that has ended, on the clock of all processes.
type timedLoad struct {
	Key        int
	Begin, End instant
}

const (
	sourceTakes = 50 * time.Millisecond
	betweenHits = 100 * time.Millisecond // at most
)

// A loadedWorker is this process, when it is one.
type loadedWorker struct {
	loadedJob
	cache *cache.Cache[int, string]

	mu     sync.Mutex
	report loadedReport
}

// workLoaded reads, and reports for each line of standard input, until that ends.
func workLoaded(text string) error {
	logging.Disable()
	w := new(loadedWorker)
	if err := json.Unmarshal([]byte(text), &w.loadedJob); err != nil {
		return err
	}
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: w.Addrs})
	defer rdb.Close()
	var err error
	w.cache, err = cache.New(rdb, cache.Config[int, string]{
		Name: "hot", TTL: time.Hour, MaxLoads: w.MaxLoads, RedisTimeout: 4 * time.Second, Lease: time.Minute,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var callers sync.WaitGroup
	for i := range w.Callers {
		callers.Go(func() { w.readOn(ctx, i*w.Keys/w.Callers) })
	}
	err = reportOn(func() any { return w.take() })
	stop()
	callers.Wait()
	return cmp.Or(err, w.cache.Close())
}

// readOn reads one key after another, from a first one on.
func (w *loadedWorker) readOn(ctx context.Context, key int) {
	for ; ctx.Err() == nil; key++ {
		began := time.Now()
		_, err := w.cache.GetOrSet(ctx, key%w.Keys, w.load)
		w.called(time.Since(began), err, ctx)
		time.Sleep(rand.N(betweenHits))
	}
}

func (w *loadedWorker) called(took time.Duration, err error, ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Calls++
	w.report.Worst = max(w.report.Worst, took)
	if err != nil && ctx.Err() == nil {
		w.report.Err = err.Error()
	}
}

func (w *loadedWorker) load(_ context.Context, key int) (string, error) {
	began := now()
	time.Sleep(sourceTakes)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Loads = append(w.report.Loads, timedLoad{key, began, now()})
	return "loaded", nil
}

func (w *loadedWorker) take() loadedReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.report
	r.Stored = w.cache.Stats().LoadStores
	w.report = loadedReport{}
	return r
}

// atOnce returns how many of the loads ran at one time at the most.
func atOnce(loads []timedLoad) (most int) {
	type edge struct {
		at    instant
		delta int
	}
	var edges []edge
	for _, l := range loads {
		edges = append(edges, edge{l.Begin, 1}, edge{l.End, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
	n := 0
	for _, e := range edges {
		n += e.delta
		most = max(most, n)
	}
	return most
}

// A Redis that is empty from one moment to the next, by FLUSHALL or a restart, while four
// processes read many keys: the source is asked once for each key by the whole fleet, if Redis is
// there, and by each process for MaxLoads keys at once in any case.
func TestRedisIsEmptied(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("no real server")
	}
	instance := servers[0].Start(t, redistest.Standalone)
	rdb := instance.Client(t)
	job := loadedJob{Addrs: instance.Options().Addrs, Keys: 10_000, Callers: 200, MaxLoads: 40}
	if raceEnabled {
		job.Keys = 1000
	}
	fill := rdb.Pipeline()
	for key := range job.Keys {
		fill.Set(t.Context(), fmt.Sprint("hot:", key), "warm", 0)
	}
	if _, err := fill.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	var members []reportingMember
	for range 4 {
		members = append(members, startReporting(t, loadedEnv, job))
	}
	awaitCalls(t, members, 2*job.Callers)

	before := reportsOf[loadedReport](t, members)
	began := time.Now()
	if err := rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	awaitFull(t, rdb, job.Keys)
	loads, stored := checkLoads(t, "FLUSHALL", job, before, reportsOf[loadedReport](t, members), began)
	if most := job.Keys + job.Keys/100; loads > most || stored > most {
		t.Errorf("FLUSHALL: %d loads, of which %d were stored, want one for each of %d keys", loads, stored, job.Keys)
	}

	before = reportsOf[loadedReport](t, members)
	began = time.Now()
	_ = rdb.ShutdownNoSave(t.Context()).Err() // which is not answered
	node := instance.Nodes()[0]
	time.Sleep(2 * time.Second) // without Redis
	node.Restart(t)
	awaitFull(t, rdb, job.Keys)
	_, stored = checkLoads(t, "a restart", job, before, reportsOf[loadedReport](t, members), began)
	if most := job.Keys + job.Keys/100; stored > most {
		t.Errorf("a restart: %d loads were stored, want one for each of %d keys", stored, job.Keys)
	}
}

// awaitCalls waits until each worker has made so many calls.
func awaitCalls(t *testing.T, members []reportingMember, calls int) {
	t.Helper()
	made := make([]int, len(members))
	for slices.Min(made) < calls {
		for i, r := range reportsOf[loadedReport](t, members) {
			made[i] += r.Calls
			if len(r.Loads) > 0 || r.Err != "" {
				t.Fatalf("worker %d: %d loads of keys that are there, error %q", i, len(r.Loads), r.Err)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// awaitFull waits until Redis has so many keys.
func awaitFull(t *testing.T, rdb redis.UniversalClient, keys int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), endTimeout)
	defer cancel()
	for {
		n, err := rdb.DBSize(ctx).Result()
		if err == nil && int(n) >= keys {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("Redis has %d of %d keys: %v", n, keys, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// checkLoads checks what holds with Redis and without, and returns how many loads have run and
// how many were stored.
func checkLoads(t *testing.T, what string, job loadedJob, before, after []loadedReport, began time.Time) (loads, stored int) {
	t.Helper()
	var all []timedLoad
	var worst time.Duration
	calls, most := 0, 0
	for i, r := range after {
		n := atOnce(r.Loads)
		if n > job.MaxLoads {
			t.Errorf("%s: worker %d has run %d loads at once, want MaxLoads, %d, at the most", what, i, n, job.MaxLoads)
		}
		if r.Err != "" {
			t.Errorf("%s: worker %d: %s", what, i, r.Err)
		}
		all = append(all, r.Loads...)
		worst, most, calls = max(worst, r.Worst), max(most, n), calls+r.Calls
		stored += int(r.Stored - before[i].Stored)
	}
	t.Logf("%s: %d loads of %d keys, %d stored; at once %d in one process and %d in the fleet; %d calls in %v, the slowest took %v",
		what, len(all), job.Keys, stored, most, atOnce(all), calls, time.Since(began).Round(time.Millisecond), worst.Round(time.Millisecond))
	return len(all), stored
}
