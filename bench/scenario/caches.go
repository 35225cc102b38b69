package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/cache"
)

// cacheCount measures many caches of aside in one process.
func cacheCount(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Growth: caches in one process",
		Text: "Caches of aside with one client, 300 B values, one key of each: a hit in a random one of them, one caller; the time to make one, and the live heap that one takes " +
			"after its first hit.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	rdb := redis.NewClient(&redis.Options{Addr: proc.Addr})
	defer rdb.Close()
	var fleets []*caches
	defer func() {
		for _, f := range fleets {
			err = errors.Join(err, f.close())
		}
	}()
	// What all caches of a type share, such as the plan of its codec, comes first.
	first, err := makeCaches(ctx, rdb, 1)
	fleets = append(fleets, first)
	if err != nil {
		return s, err
	}
	t := report.Table{Head: []string{"caches", "hit", "against one cache", "to make one", "heap, B/cache"}}
	var entries []harness.Entry
	for _, n := range pick(l, []int{1, 100, 10_000}, []int{1, 100}) {
		l.Progress("caches in one process: %s", grouped(n))
		f, err := makeCaches(ctx, rdb, n)
		fleets = append(fleets, f)
		if err != nil {
			return s, err
		}
		entries = append(entries, harness.Entry{Name: grouped(n), Turn: harness.Callers(ctx, 1, f.hits())})
	}
	results, err := harness.Compare(l.plan(1), entries)
	if err != nil {
		return s, err
	}
	for i, r := range results {
		f := fleets[i+1]
		t.Add(r.Name, harness.Number(micros(r))+" us", r.Ratio.String(), harness.Number(f.making.Seconds()*1e6)+" us",
			f.heapCell())
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}

// caches are many caches on one client.
type caches struct {
	all    []*cache.Cache[string, subject.Account]
	making time.Duration // of one
	heap   int64         // of one
}

// makeCaches returns the caches with what they took, also when there is an error.
func makeCaches(ctx context.Context, rdb redis.UniversalClient, n int) (*caches, error) {
	f := &caches{all: make([]*cache.Cache[string, subject.Account], 0, n)}
	if err := rdb.Ping(ctx).Err(); err != nil { // the client's own memory comes first
		return f, err
	}
	heap := harness.HeapInUse()
	began := time.Now()
	for i := range n {
		c, err := cache.New(rdb, cache.Config[string, subject.Account]{Name: fmt.Sprintf("of%d.%d", n, i), TTL: contender.TTL})
		if err != nil {
			return f, err
		}
		f.all = append(f.all, c)
	}
	f.making = time.Since(began) / time.Duration(n)
	for _, c := range f.all {
		for range 2 { // a miss and a hit
			if _, err := c.GetOrSet(ctx, "1", func(context.Context, string) (subject.Account, error) {
				return subject.Sized(subject.Small), nil
			}); err != nil {
				return f, err
			}
		}
	}
	f.heap = (int64(harness.HeapInUse()) - int64(heap)) / int64(n)
	return f, nil
}

// heapCell tells what one takes, if they are enough to stand out.
func (f *caches) heapCell() string {
	if len(f.all) < 100 {
		return "-"
	}
	return strconv.FormatInt(f.heap, 10)
}

func (f *caches) hits() harness.Op {
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		_, err := f.all[rng.IntN(len(f.all))].GetOrSet(ctx, "1", never)
		return err
	}
}

func (f *caches) close() error {
	var errs []error
	for _, c := range f.all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
