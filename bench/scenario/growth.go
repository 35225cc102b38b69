package scenario

import (
	"context"
	"errors"
	"fmt"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// valueSize measures hits of ever larger values.
func valueSize(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Growth: size of the value",
		Text: "One caller, hits in Redis, one of 16 keys at random; the median time of one hit in microseconds, and the speed against the first row. " +
			"The struct is the same; its longest text grows.",
	}
	t := report.Table{Head: []string{"contender"}}
	plot := report.Plot{File: "growth-size.svg", Title: "Redis hit, one caller", X: "bytes of the value", Y: "microseconds"}
	for step, bytes := range pick(l, []int{100, 1 << 10, 10 << 10, 100 << 10, 1 << 20}, []int{100, 10 << 10, 1 << 20}) {
		l.Progress("size of the value: %s", size(bytes))
		results, err := l.hitTimes(ctx, append(contender.Shared(), control(contender.Base)), 16, subject.Sized(bytes))
		if err != nil {
			return s, err
		}
		t.Head = append(t.Head, size(bytes))
		for i, r := range results {
			if step == 0 {
				t.Add(r.Name)
				plot.Lines = append(plot.Lines, report.Line{Name: r.Name})
			}
			t.Rows[i] = append(t.Rows[i], timeAndRatio(i, r))
			plot.Lines[i].XY = append(plot.Lines[i].XY, [2]float64{float64(bytes), micros(r)})
		}
	}
	plot.Lines = plotted(plot.Lines)
	s.Tables, s.Plots = []report.Table{t}, []report.Plot{plot}
	return s, nil
}

func micros(r harness.Result) float64 { return 1e6 / r.Speed.Median }

func timeAndRatio(i int, r harness.Result) string {
	cell := harness.Number(micros(r)) + " us"
	if i > 0 {
		cell += ", " + harness.Number(r.Ratio.Median)
	}
	return cell
}

// hitTimes measures hits of one caller on a server of their own.
func (l *Lab) hitTimes(ctx context.Context, specs []contender.Spec, keys int, a subject.Account) (results []harness.Result, err error) {
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	rivals, err := openFilled(ctx, contender.Env{Addrs: []string{proc.Addr}}, keys, specs, a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	return l.compare(ctx, 1, rivals, func(r rival) harness.Op { return r.hits(a) }, nil)
}

// keyCount measures hits beside ever more other keys.
func keyCount(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Growth: keys in Redis",
		Text: "One caller, hits of 300 B under a random one of " + grouped(l.hitKeys()) + " keys of each contender, while Redis holds ever more other keys (of 16 B, which nobody reads). " +
			"The median time of one hit, and the speed against the first row.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	specs := []contender.Spec{contender.Base, contender.AsideMsgpack, contender.AsideHash, control(contender.Base)}
	a := subject.Sized(subject.Small)
	rivals, err := openFilled(ctx, contender.Env{Addrs: []string{proc.Addr}}, l.hitKeys(), specs, a)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	t := report.Table{Head: []string{"contender"}}
	for _, r := range rivals {
		t.Add(r.Name)
	}
	filled := 0
	for _, n := range pick(l, []int{1_000_000, 2_000_000, 5_000_000, 10_000_000}, []int{20_000, 100_000}) {
		l.Progress("keys in Redis: %s", grouped(n))
		if err := proc.Fill(ctx, filled, n); err != nil {
			return s, err
		}
		filled = n
		if got, err := proc.Keys(ctx); err != nil {
			return s, err
		} else if got < int64(n) {
			return s, fmt.Errorf("the server has %d keys, %d were sent", got, n)
		}
		results, err := l.compare(ctx, 1, rivals, func(r rival) harness.Op { return r.hits(a) }, nil)
		if err != nil {
			return s, err
		}
		addColumn(&t, grouped(n)+" keys", results, timeAndRatio)
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}
