package scenario

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// memory measures what an entry takes in Redis and in the process.
func memory(ctx context.Context, l *Lab) (s report.Section, err error) {
	entries := pick(l, 20_000, 500)
	s = report.Section{
		Title: "Memory of a cached entry",
		Text: fmt.Sprintf("%s entries of each contender, divided by their number, keys included. In Redis: the growth of used_memory, and MEMORY USAGE of one key of an otherwise empty server. "+
			"In the process: the growth of the live heap; a contender that keeps nothing there shows its noise and what its client holds.", grouped(entries)),
	}
	for _, bytes := range pick(l, []int{subject.Small, subject.Large}, []int{subject.Small}) {
		t := report.Table{
			Title: "Values of " + size(bytes),
			Head:  []string{"contender", "Redis, B/entry", "MEMORY USAGE, B", "process, B/entry"},
		}
		n := entries
		if bytes == subject.Large {
			n /= 4
		}
		for _, spec := range append(contender.Coherent(), contender.Sturdyc, contender.Otter) {
			l.Progress("memory of %s: %s", size(bytes), spec.Name)
			cells, err := l.memory(ctx, spec, n, bytes)
			if err != nil {
				return s, fmt.Errorf("%s: %w", spec.Name, err)
			}
			t.Add(append([]string{spec.Name}, cells...)...)
		}
		s.Tables = append(s.Tables, t)
	}
	return s, nil
}

func (l *Lab) memory(ctx context.Context, spec contender.Spec, n, bytes int) (cells []string, err error) {
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	rivals, err := open(contender.Env{Addrs: []string{proc.Addr}}, n, []contender.Spec{spec})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	r := rivals[0]

	one := rival{r.Spec, r.Contender, r.keys[:1]}
	if err := one.fill(ctx, subject.Sized(bytes)); err != nil {
		return nil, err
	}
	single := "-"
	if spec.Tier != contender.Near {
		usage, err := proc.KeyMemory(ctx)
		if err != nil {
			return nil, err
		}
		single = grouped(int(usage))
	}

	heap := harness.HeapInUse()
	used, err := proc.UsedMemory(ctx)
	if err != nil {
		return nil, err
	}
	// The first pass fills Redis; the caches in the process that Redis tells of writes
	// hear of these and are filled by the later ones.
	for range 3 {
		for _, key := range r.keys[1:] {
			if _, err := r.GetOrSet(ctx, key, func(context.Context, string) (subject.Account, error) {
				return subject.Sized(bytes), nil // texts of its own, as from a source
			}); err != nil {
				return nil, err
			}
		}
	}
	grown, err := proc.UsedMemory(ctx)
	if err != nil {
		return nil, err
	}
	live := int64(harness.HeapInUse()) - int64(heap)
	runtime.KeepAlive(rivals)
	redisCell := "-"
	if spec.Tier != contender.Near {
		redisCell = perEntry(grown-used, n-1)
	}
	return []string{redisCell, single, perEntry(live, n-1)}, nil
}

func perEntry(bytes int64, n int) string {
	return strconv.FormatFloat(float64(bytes)/float64(n), 'f', 0, 64)
}
