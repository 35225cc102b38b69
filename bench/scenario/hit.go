package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/server"
	"github.com/asidecache/aside/bench/subject"
)

var hitCallers = []int{1, 16, 128, 1024}

// hitKeys is how many keys each contender has where hits are measured.
func (l *Lab) hitKeys() int { return pick(l, 1000, 100) }

// hit measures values that are in Redis, and not in the process.
func hit(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Redis hit",
		Text: "A struct of twelve fields, read under a random one of " + grouped(l.hitKeys()) + " keys and decoded; aside has them in one cache. The first row is the base, with its own speed; " +
			"the others are speeds against it, more is better: the median of the ratios of all rounds, and their quartiles. " +
			"Allocations, commands and round trips (reads of the server's socket) are those of a single caller.",
	}
	for _, bytes := range []int{subject.Small, subject.Large} {
		table, plot, err := l.hits(ctx, l.Server, hitCallers, bytes, contender.AsideGet, contender.AsideUnpipelined)
		if err != nil {
			return s, err
		}
		s.Tables = append(s.Tables, table)
		s.Plots = append(s.Plots, plot)
	}
	return s, nil
}

// hits measures hits of the shared contenders, and of some more, on a server of their own.
func (l *Lab) hits(
	ctx context.Context, on server.Program, callers []int, bytes int, more ...contender.Spec,
) (report.Table, report.Plot, error) {
	proc, err := on.Start(ctx)
	if err != nil {
		return report.Table{}, report.Plot{}, err
	}
	specs := append(append(contender.Shared(), more...), control(contender.Base))
	t, p, err := l.hitsOn(ctx, "hit "+size(bytes), contender.Env{Addrs: []string{proc.Addr}}, proc, specs, callers, subject.Sized(bytes))
	t.Title = "Values of " + size(bytes)
	p.File = fmt.Sprintf("hit-%d.svg", bytes)
	p.Title = fmt.Sprintf("Redis hit, values of %s", size(bytes))
	return t, p, errors.Join(err, proc.Kill())
}

// hitsOn measures hits of contenders for several numbers of callers. Costs are
// counted where there is one server to count them.
func (l *Lab) hitsOn(ctx context.Context, what string, env contender.Env, proc *server.Process, specs []contender.Spec, callers []int, a subject.Account) (t report.Table, p report.Plot, err error) {
	rivals, err := openFilled(ctx, env, l.hitKeys(), specs, a)
	if err != nil {
		return t, p, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	op := func(r rival) harness.Op { return r.hits(a) }
	t, p.Lines, err = l.speeds(ctx, what, callers, rivals, op, nil)
	p.X, p.Y = "callers", "hits a second"
	if err != nil || proc == nil {
		return t, p, err
	}
	return t, p, l.addBills(ctx, proc, &t, rivals, op)
}

// speeds measures rivals with several numbers of callers, a column each.
func (l *Lab) speeds(ctx context.Context, what string, callers []int, rivals []rival, op func(rival) harness.Op, pause func() error) (report.Table, []report.Line, error) {
	t := report.Table{Head: []string{"contender"}}
	lines := make([]report.Line, len(rivals))
	for i, r := range rivals {
		t.Add(r.Name)
		lines[i].Name = r.Name
	}
	for _, n := range callers {
		l.Progress("%s: %s", what, plural(n, "caller"))
		results, err := l.compare(ctx, n, rivals, op, pause)
		if err != nil {
			return t, nil, err
		}
		addColumn(&t, plural(n, "caller"), results, ratio)
		for i, r := range results {
			lines[i].XY = append(lines[i].XY, [2]float64{float64(n), r.Speed.Median})
		}
	}
	return t, plotted(lines), nil
}

// plotted leaves the control out: a picture is for what differs.
func plotted(lines []report.Line) []report.Line {
	return slices.DeleteFunc(lines, func(l report.Line) bool { return l.Name == controlName })
}

// addBills adds the columns of costs to a table of rivals.
func (l *Lab) addBills(ctx context.Context, proc *server.Process, t *report.Table, rivals []rival, op func(rival) harness.Op) error {
	t.Head = append(t.Head, billHead...)
	for i, r := range rivals {
		b, err := l.bill(ctx, proc, op(r))
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		t.Rows[i] = append(t.Rows[i], b.cells()...)
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", grouped(n), noun)
}

// grouped writes a number as 1,024.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
