package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A release is what one version of a program does with its cache of rows.
type release interface {
	// read looks a row up, and reports whether it is that of a version of the source from first on.
	read(ctx context.Context, row, first int) (right bool, err error)
	write(ctx context.Context, row int) error
	close() error
}

// A start makes a process of a release.
type start func(redis.UniversalClient) release

// A rollout replaces the processes of one release by those of another, and back. The source has
// a version of each row, from which its value is made.
type rollout struct {
	rows     []atomic.Int64
	acked    []atomic.Int64 // versions whose writes have returned
	releases [2]start

	loads, reads, wrong atomic.Int64
	failed              atomic.Pointer[error]
}

const (
	rolledOut = 6 // processes
	rolloutOf = 20
)

// A typedRelease keeps rows as values of V.
type typedRelease[V any] struct {
	*rollout
	caches []*cache.Cache[string, V] // the first is read, all are told of writes
	row    func(row, version int) V
}

func rowKey(row int) string { return fmt.Sprint("row", row) }

func (r typedRelease[V]) read(ctx context.Context, row, first int) (bool, error) {
	v, err := r.caches[0].GetOrSet(ctx, rowKey(row), func(context.Context, string) (V, error) {
		r.loads.Add(1)
		return r.row(row, int(r.rows[row].Load())), nil
	})
	if err != nil {
		return false, err
	}
	for version := first; version <= int(r.rows[row].Load()); version++ {
		if reflect.DeepEqual(v, r.row(row, version)) {
			return true, nil
		}
	}
	return false, nil
}

func (r typedRelease[V]) write(ctx context.Context, row int) error {
	version := r.rows[row].Add(1)
	for _, c := range r.caches {
		if err := c.Delete(ctx, rowKey(row)); err != nil {
			return err
		}
	}
	for {
		acked := r.acked[row].Load()
		if acked >= version || r.acked[row].CompareAndSwap(acked, version) {
			return nil
		}
	}
}

func (r typedRelease[V]) close() error {
	for _, c := range r.caches {
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

// released makes processes with caches of these configurations, which are given a TTL and, if
// they have none, a Name.
func released[V any](
	t *testing.T, r *rollout, row func(row, version int) V, cfgs ...cache.Config[string, V],
) start {
	return func(rdb redis.UniversalClient) release {
		process := typedRelease[V]{rollout: r, row: row}
		for _, cfg := range cfgs {
			if cfg.Name == "" {
				cfg.Name = "row"
			}
			cfg.TTL = time.Hour
			c, err := cache.New(rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			process.caches = append(process.caches, c)
		}
		return process
	}
}

// run rolls the second release out and back, under load.
func (r *rollout) run(t *testing.T, client func() redis.UniversalClient, writes bool) {
	var ends [rolledOut]func()
	begin := func(i int, as start) {
		rdb := client()
		process := as(rdb)
		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for caller := range 2 {
			d := newDice(uint64(i), caller)
			callers.Go(func() { r.callOn(ctx, process, d.Rand, writes) })
		}
		ends[i] = func() {
			stop()
			callers.Wait()
			r.check(process.close())
			_ = rdb.Close()
		}
	}
	for i := range ends {
		begin(i, r.releases[0])
	}
	r.goOn(t)
	for _, as := range []start{r.releases[1], r.releases[0]} {
		for i := range ends {
			ends[i]()
			begin(i, as)
			r.goOn(t)
		}
	}
	for _, end := range ends {
		end()
	}
	if err := r.failed.Load(); err != nil {
		t.Error(*err)
	}
}

// goOn waits until each row was read by each process, on an average several times.
func (r *rollout) goOn(t *testing.T) {
	until := r.reads.Load() + 2*rolledOut*rolloutOf
	for r.reads.Load() < until && r.failed.Load() == nil && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

func (r *rollout) callOn(ctx context.Context, process release, d *rand.Rand, writes bool) {
	whole := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		row := d.IntN(rolloutOf)
		if writes && d.IntN(50) == 0 {
			r.check(process.write(whole, row))
			continue
		}
		right, err := process.read(whole, row, int(r.acked[row].Load()))
		r.check(err)
		if !right && err == nil {
			r.wrong.Add(1)
		}
		r.reads.Add(1)
	}
}

func (r *rollout) check(err error) {
	if err != nil {
		r.failed.CompareAndSwap(nil, &err)
	}
}

// Each change of a program is rolled out and back, process by process: how often a row is loaded,
// and whether readers see what is wrong, is what docs/deploys.md says.
func TestRollouts(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	server := servers[0].Start(t, redistest.Standalone)
	client := func() redis.UniversalClient { return redis.NewUniversalClient(server.Options()) }
	table := []string{"change | loads of a row | wrong reads"}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			var loads float64
			var wrong, reads int64
			for _, writes := range []bool{false, true} {
				rdb := client()
				if err := rdb.FlushAll(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				_ = rdb.Close()
				r := &rollout{rows: make([]atomic.Int64, rolloutOf), acked: make([]atomic.Int64, rolloutOf)}
				r.releases = c.releases(t, r)
				r.run(t, client, writes)
				wrong, reads = wrong+r.wrong.Load(), reads+r.reads.Load()
				if !writes {
					loads = float64(r.loads.Load())/rolloutOf - 1 // but for the first
				}
			}
			table = append(table, fmt.Sprintf("%s | %.1f | %d of %d", c.name, loads, wrong, reads))
			if lies := wrong > 0; lies != c.lies {
				t.Errorf("%d of %d reads were wrong", wrong, reads)
			}
			if loads > c.loads {
				t.Errorf("each row was loaded %.1f times, want %v", loads, c.loads)
			}
		})
	}
	t.Log(strings.Join(table, "\n"))
}
