package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/redistest"
)

// workerEnv, when set, makes this program a worker: its value is the job.
const workerEnv = "ASIDE_FLEET_WORKER"

func TestMain(m *testing.M) {
	for env, work := range map[string]func(string) error{workerEnv: work, loadedEnv: workLoaded, nearEnv: workNear, auditEnv: workAudit} {
		if text := os.Getenv(env); text != "" {
			if err := work(text); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	redistest.Main(m)
}

// A job is what a worker is started for.
type job struct {
	Plan    plan
	Addrs   []string
	Cluster bool
	Master  string // what Sentinels call it, if these are the addresses
	Source  string // the socket
	Process int
	Slot    int
	Version int // of the stored form
}

// journalFile is the first file that a worker inherits.
const journalFile = 3

// A worker is this process, when it is one.
type worker struct {
	job
	names   []string
	index   map[string]int // of keys, by their Redis key
	journal journal
	source  *rpc.Client
	subject subject
	list    *collection.List[string, string] // of the same values, if they are lists
	through bool                             // it loads when Redis fails
	open    map[string]instant               // since when the breaker of a server is open, see sawBreaker

	mu     sync.Mutex // guards oddity
	oddity error      // the first error that nothing explains
}

// work does the job until standard input ends.
func work(text string) error {
	logging.Disable()
	w := &worker{names: keyNames(), index: map[string]int{}, open: map[string]instant{}}
	if err := json.Unmarshal([]byte(text), &w.job); err != nil {
		return err
	}
	w.journal = journal{os.NewFile(journalFile, "journal"), w.Process}
	var err error
	if w.source, err = rpc.Dial("unix", w.Source); err != nil {
		return err
	}
	defer w.source.Close()
	rdb := w.connect()
	defer rdb.Close()
	c, err := cache.New(rdb, w.config())
	if err != nil {
		return err
	}
	for i, name := range w.names {
		w.index[c.RedisKey(name)] = i
	}
	w.subject = subjectOf(w.Plan.Subject, c)
	if w.Plan.List {
		list := collection.Config[string, string]{Name: family, Version: w.Version, TTL: w.Plan.TTL, StaleFor: w.Plan.Stale}
		if w.list, err = collection.NewList(rdb, list); err != nil {
			return err
		}
	}
	ready := now()
	w.journal.tell(event{kind: hello, key: noKey, span: span{ready, ready}})

	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { w.watch(ctx) })
	client.TellDeletes(w.tellDeletes)
	for i := range w.Plan.Callers {
		all.Go(func() { w.readOn(ctx, newDice(w.Plan.Seed, w.Process, i)) })
	}
	if w.Plan.Writes {
		all.Go(func() { w.writeShared(ctx, newDice(w.Plan.Seed, w.Process, w.Plan.Callers)) })
		all.Go(func() { w.writeOwned(ctx, newDice(w.Plan.Seed, w.Process, w.Plan.Callers+1)) })
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	all.Wait()
	if err := w.subject.Close(); err != nil {
		return err
	}
	if w.list != nil {
		if err := w.list.Close(); err != nil {
			return err
		}
	}
	return w.oddity
}

func (w *worker) config() cache.Config[string, []string] {
	cfg := cache.Config[string, []string]{
		Name: family, Version: w.Version, Codec: codecOf(w.Version, w.Plan.List), TTL: w.Plan.TTL, AbsentTTL: w.Plan.TTL,
		StaleFor: w.Plan.Stale, Lease: w.Plan.Lease, WaitReplicas: w.Plan.Replicas,
	}
	if w.Version > w.Plan.Version && w.Plan.Subject == aside {
		cfg.Upgrade = cache.UpgradeFrom(codecOf(w.Plan.Version, w.Plan.List), func(old []string) ([]string, error) {
			return old, nil
		})
	}
	if w.Plan.Near != nil {
		cfg.Near = *w.Plan.Near
	}
	if w.Plan.Subject == apart {
		cfg.Name, cfg.Version = fmt.Sprint(family, w.Version), 0
	}
	if w.Plan.Subject == leaseless || w.Plan.Subject == naive {
		cfg.Lease = cache.Off
	}
	if w.Plan.calm() {
		cfg.Jitter, cfg.RedisTimeout = -1, time.Minute
	}
	// Batches and single calls of one process compete for its places.
	if w.Slot == 1 && w.Plan.Subject == aside {
		cfg.MaxLoads = 2
	}
	cfg.Observer.Delivery = w.sawDelivery
	// Half of the fleet loads when Redis fails. Only there is such a failure a reason
	// for anything, and told of.
	if w.through = w.Slot%2 == 0 && !w.Plan.calm(); w.through {
		cfg.Observer.Error, cfg.Observer.Breaker = w.sawError, w.sawBreaker
	} else {
		cfg.OnRedisError = cache.Fail
	}
	return cfg
}

// watch tells when the process did not get on.
func (w *worker) watch(ctx context.Context) {
	for last := now(); ctx.Err() == nil; {
		time.Sleep(min(10*time.Millisecond, w.Plan.Lease/10))
		at := now()
		if at.since(last) > w.Plan.Lease/3 {
			w.journal.tell(event{kind: stall, key: noKey, span: span{last, at}})
		}
		last = at
	}
}

// tellDeletes tells of deletes that are sent in the background, and until when they were: those of
// one master are carried out long before they are acknowledged where another has died.
func (w *worker) tellDeletes(keys []string) (ended func(acknowledged []string)) {
	begin := now()
	tell := func(key string, end instant) {
		if i, ok := w.index[key]; ok {
			w.journal.tell(event{kind: sentAgain, key: i, span: span{begin, end}})
		}
	}
	for _, key := range keys {
		tell(key, begin.add(answerTime))
	}
	return func(acknowledged []string) {
		end := now()
		for _, key := range keys {
			if slices.Contains(acknowledged, key) {
				tell(key, end)
			} else {
				tell(key, end.add(mayComeLate))
			}
		}
	}
}

// answerTime is for how long a server that answers takes at the most: one that takes longer is a
// stall of its own.
const answerTime = 100 * time.Millisecond

// odd notes an error that nothing explains. It may quote values: they are test data.
func (w *worker) odd(what op, key int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.oddity == nil {
		w.oddity = fmt.Errorf("worker %d: %v %s: %w", w.Process, what, w.names[key], err)
	}
}
