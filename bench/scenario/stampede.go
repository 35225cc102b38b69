package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/server"
)

const (
	fleet    = 4
	loadTime = 50 * time.Millisecond
	gather   = 100 * time.Millisecond // from the word to the start of a stampede
)

// stampede measures a whole fleet that asks for one missing key at once.
func stampede(ctx context.Context, l *Lab) (s report.Section, err error) {
	callers := pick(l, 1000, 100)
	trials := pick(l, 7, 1)
	s = report.Section{
		Title: "Stampede",
		Text: fmt.Sprintf("%d processes of %s callers each ask for the same missing key at the same moment; the loader takes %v. Loads and commands are those of the whole fleet, "+
			"latencies those of all callers, from the moment of the start; the median of %d trials. Commands of handshakes are left out; those within scripts count. "+
			"The rows that share nothing load for each caller.", fleet, grouped(callers), loadTime, trials),
	}
	l.loads = map[string]string{}
	t := report.Table{Head: []string{"contender", "loads", "commands", "p50 ms", "p99 ms", "max ms"}}
	for _, spec := range contender.Coherent() {
		l.Progress("stampede: %s", spec.Name)
		runs, err := l.stampedes(ctx, spec, callers, trials)
		if err != nil {
			return s, fmt.Errorf("%s: %w", spec.Name, err)
		}
		l.loads[spec.Name] = runs.of(func(r run) float64 { return float64(r.loads) })
		t.Add(spec.Name, l.loads[spec.Name], runs.of(func(r run) float64 { return float64(r.commands) }),
			runs.of(func(r run) float64 { return r.at(0.5) }), runs.of(func(r run) float64 { return r.at(0.99) }), runs.of(func(r run) float64 { return r.at(1) }))
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}

// A run is one stampede.
type run struct {
	loads     int
	commands  int64
	latencies []float64 // in milliseconds, sorted
}

func (r run) at(q float64) float64 { return harness.Quantile(r.latencies, q) }

type runs []run

// of returns the median of a figure of all runs.
func (all runs) of(figure func(run) float64) string {
	var sample []float64
	for _, r := range all {
		sample = append(sample, figure(r))
	}
	median := harness.QuartilesOf(sample).Median
	if median == float64(int(median)) {
		return strconv.Itoa(int(median))
	}
	return harness.Number(median)
}

func (l *Lab) stampedes(ctx context.Context, spec contender.Spec, callers, trials int) (all runs, err error) {
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	var workers []*worker
	defer func() {
		for _, w := range workers {
			err = errors.Join(err, w.stop())
		}
	}()
	for range fleet {
		w, err := startWorker(ctx, job{Contender: spec.Name, Addr: proc.Addr, Callers: callers})
		if err != nil {
			return nil, err
		}
		workers = append(workers, w)
	}
	for i := range trials {
		r, err := trial(ctx, proc, workers, "hot:"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// trial lets all workers ask for a key at one moment.
func trial(ctx context.Context, proc *server.Process, workers []*worker, key string) (r run, err error) {
	before, err := proc.Counts(ctx)
	if err != nil {
		return r, err
	}
	start := time.Now().Add(gather)
	for _, w := range workers {
		if err := w.send(order{Key: key, Start: start}); err != nil {
			return r, err
		}
	}
	for _, w := range workers {
		o, err := w.receive()
		if err != nil {
			return r, err
		}
		r.loads += o.Loads
		for _, d := range o.Latencies {
			r.latencies = append(r.latencies, float64(d)/float64(time.Millisecond))
		}
	}
	after, err := proc.Counts(ctx)
	r.commands = after.Since(before).Total()
	slices.Sort(r.latencies)
	return r, err
}
