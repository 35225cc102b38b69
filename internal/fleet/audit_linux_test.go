package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/redistest"
)

var auditReads = flag.Uint64("fleet.auditreads", 100_000, "how many reads TestAuditsOfAFleet waits for")

// auditEnv, when set, makes this program a worker of TestAuditsOfAFleet: its value is the job.
const auditEnv = "ASIDE_FLEET_AUDIT"

// An auditJob is what such a worker is started for: readers of all keys, whose hits are audited.
// The rows that the keys are loaded from stand in Redis as well, where all processes find them.
type auditJob struct {
	Addrs    []string
	Keys     int
	Readers  int
	Unfenced bool
	Grace    time.Duration
}

// An auditReport is what a worker has done since it began.
type auditReport struct {
	Reads  uint64
	Stats  cache.Stats
	Missed map[int]int // audits with this result, by key
	Other  map[int]int // with any other but AuditOvertaken
	Err    string
}

// row is where the source has the version of a key.
func row(key int) string { return "row:" + strconv.Itoa(key) }

// An auditWorker is this process, when it is one.
type auditWorker struct {
	auditJob
	rdb   redis.UniversalClient
	cache *cache.Cache[int, int]
	reads atomic.Uint64

	mu     sync.Mutex // guards all below
	report auditReport
}

// workAudit reads, and reports for each line of standard input, until that ends.
func workAudit(text string) error {
	logging.Disable()
	w := &auditWorker{report: auditReport{Missed: map[int]int{}, Other: map[int]int{}}}
	if err := json.Unmarshal([]byte(text), &w.auditJob); err != nil {
		return err
	}
	protocol.AuditsWithoutFence(w.Unfenced)
	w.rdb = redis.NewUniversalClient(&redis.UniversalOptions{Addrs: w.Addrs})
	defer w.rdb.Close()
	var err error
	w.cache, err = cache.New(w.rdb, cache.Config[int, int]{
		Name: "audit", TTL: time.Hour, Audit: cache.AuditConfig{Rate: 1, MaxPerSecond: 2000, Grace: w.Grace},
		Observer: cache.Observer{Audit: w.saw},
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var all sync.WaitGroup
	for range w.Readers {
		all.Go(func() { w.readOn(ctx) })
	}
	err = reportOn(func() any { return w.take() })
	stop()
	all.Wait()
	return cmp.Or(err, w.cache.Close())
}

func (w *auditWorker) load(ctx context.Context, key int) (int, error) {
	version, err := w.rdb.Get(ctx, row(key)).Int()
	if err == redis.Nil {
		err = cache.ErrNotFound
	}
	return version, err
}

func (w *auditWorker) readOn(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := w.cache.GetOrSet(ctx, rand.IntN(w.Keys), w.load)
		if w.reads.Add(1); err != nil && ctx.Err() == nil {
			w.mu.Lock()
			w.report.Err = err.Error()
			w.mu.Unlock()
		}
	}
}

func (w *auditWorker) saw(_ context.Context, e cache.AuditEvent) {
	var key int
	_, err := fmt.Sscanf(e.Key, "audit:%d", &key)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		w.report.Err = err.Error()
	case e.Result == cache.AuditMissed:
		w.report.Missed[key]++
	case e.Result != cache.AuditOvertaken:
		w.report.Other[key]++
	}
}

func (w *auditWorker) take() auditReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.report
	r.Missed, r.Other = maps.Clone(r.Missed), maps.Clone(r.Other)
	r.Reads, r.Stats = w.reads.Load(), w.cache.Stats()
	return r
}

// An auditedFleet is three processes that read, and this one, which writes.
type auditedFleet struct {
	t       *testing.T
	rdb     redis.UniversalClient
	cache   *cache.Cache[int, int]
	members []reportingMember
	keys    int // that writers change, and delete then
	planted int // keys behind them, of which the delete is missing

	mu   sync.Mutex
	slow map[int]bool // keys whose writer took too long to invalidate: no fault of the audit
}

func launchAudits(t *testing.T, unfenced bool, grace time.Duration) *auditedFleet {
	t.Helper()
	instance := stages(t)[0].server.StartCalm(t, redistest.Standalone)
	f := &auditedFleet{t: t, rdb: instance.Client(t), keys: 200, planted: 20, slow: map[int]bool{}}
	f.cache = cache.Must(cache.New(f.rdb, cache.Config[int, int]{Name: "audit", TTL: time.Hour}))
	t.Cleanup(func() { _ = f.cache.Close() })
	for key := range f.keys + f.planted {
		if err := f.rdb.Set(t.Context(), row(key), 1, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := f.cache.Set(t.Context(), key, 1); err != nil {
			t.Fatal(err)
		}
	}
	for key := f.keys; key < f.keys+f.planted; key++ {
		f.rdb.Incr(t.Context(), row(key))
	}
	job := auditJob{Addrs: instance.Options().Addrs, Keys: f.keys + f.planted, Readers: 16, Unfenced: unfenced, Grace: grace}
	for range 3 {
		f.members = append(f.members, startReporting(t, auditEnv, job))
	}
	return f
}

// writeOn changes one row after another, and deletes its entry then, until ctx ends.
func (f *auditedFleet) writeOn(ctx context.Context, grace time.Duration) {
	for ctx.Err() == nil {
		key, began := rand.IntN(f.keys), time.Now()
		if err := f.rdb.Incr(context.WithoutCancel(ctx), row(key)).Err(); err != nil {
			f.t.Error(err)
		}
		time.Sleep(rand.N(2 * time.Millisecond))
		if err := f.cache.Delete(context.WithoutCancel(ctx), key); err != nil {
			f.t.Error(err)
		}
		if time.Since(began) > grace/2 {
			f.mu.Lock()
			f.slow[key] = true
			f.mu.Unlock()
		}
	}
}

// run lets the fleet work until done says so, and returns what the workers have reported then.
func (f *auditedFleet) run(grace time.Duration, done func(auditReport) bool) (all auditReport) {
	f.t.Helper()
	ctx, stop := context.WithCancel(f.t.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() { f.writeOn(ctx, grace) })
	}
	defer writers.Wait()
	defer stop()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		all = auditReport{Missed: map[int]int{}, Other: map[int]int{}}
		for _, r := range reportsOf[auditReport](f.t, f.members) {
			all.add(r)
		}
		if all.Err != "" {
			f.t.Fatal(all.Err)
		}
		if done(all) {
			return all
		}
		if *auditReads < 1e6 && time.Since(began) > endTimeout {
			f.t.Fatalf("after %v: %+v", endTimeout, all)
		}
	}
}

func (r *auditReport) add(other auditReport) {
	r.Reads += other.Reads
	r.Stats.AuditsEqual += other.Stats.AuditsEqual
	r.Stats.AuditsOvertaken += other.Stats.AuditsOvertaken
	r.Stats.AuditsLate += other.Stats.AuditsLate
	r.Stats.AuditsMissed += other.Stats.AuditsMissed
	r.Stats.AuditsFailed += other.Stats.AuditsFailed
	for key, n := range other.Missed {
		r.Missed[key] += n
	}
	for key, n := range other.Other {
		r.Other[key] += n
	}
	r.Err = cmp.Or(r.Err, other.Err)
}

// falseAlarms counts the misses of keys whose writers have invalidated them in time.
func (f *auditedFleet) falseAlarms(r auditReport) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, missed := range r.Missed {
		if key < f.keys && !f.slow[key] {
			n += missed
		}
	}
	return n
}

// found counts the planted keys of which an audit has told, and those of which it has told that
// they were right.
func (f *auditedFleet) found(r auditReport) (found, wrong int) {
	for key := f.keys; key < f.keys+f.planted; key++ {
		if r.Missed[key] > 0 {
			found++
		}
		if r.Other[key] > 0 {
			wrong++
		}
	}
	return found, wrong
}

// Of entries that nobody invalidates each audit tells; of others none, however many writers there
// are. To read ten million times:
//
//	go test ./internal/fleet -run TestAuditsOfAFleet -fleet.auditreads 10000000 -timeout 0
func TestAuditsOfAFleet(t *testing.T) {
	const grace = time.Second
	f := launchAudits(t, false, grace)
	began := time.Now()
	r := f.run(grace, func(r auditReport) bool {
		found, _ := f.found(r)
		return r.Reads >= *auditReads && found == f.planted && r.Stats.AuditsLate > 0 && r.Stats.AuditsOvertaken > 0
	})
	found, wrong := f.found(r)
	alarms := f.falseAlarms(r)
	t.Logf("%d reads in %v: %d audits equal, %d overtaken, %d late, %d missed, %d failed; %d of %d planted found, %d taken for right; %d false alarms; %d keys whose writers were slow",
		r.Reads, time.Since(began).Round(time.Second), r.Stats.AuditsEqual, r.Stats.AuditsOvertaken, r.Stats.AuditsLate, r.Stats.AuditsMissed, r.Stats.AuditsFailed,
		found, f.planted, wrong, alarms, len(f.slow))
	if found != f.planted || wrong > 0 || alarms > 0 || r.Stats.AuditsFailed > 0 {
		t.Error("found guilty")
	}
}

// Audits that do not ask whether a write has come meanwhile raise false alarms.
func TestAuditsWithoutFenceAreGuilty(t *testing.T) {
	const grace = 200 * time.Millisecond
	f := launchAudits(t, true, grace)
	r := f.run(grace, func(r auditReport) bool { return f.falseAlarms(r) > 0 })
	t.Logf("%d reads, %d audits missed, %d of them false alarms", r.Reads, r.Stats.AuditsMissed, f.falseAlarms(r))
}
