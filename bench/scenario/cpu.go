package scenario

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// processors measures what operations use of the processor.
func processors(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "CPU of an operation",
		Text: "Hits, misses and writes of 300 B: the processor time that one of them uses, in microseconds, " +
			"and the first row's time divided by it, more is better. The client is this process with all its threads, " +
			"as getrusage tells; the server is used_cpu_user and used_cpu_sys of its INFO. " +
			"The two are measured in turns of their own.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	a := subject.Sized(subject.Small)
	specs := append(contender.Filling(), control(contender.Base))
	rivals, err := openFilled(ctx, contender.Env{Addrs: []string{proc.Addr}}, l.hitKeys(), specs, a)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	meters := []meter{
		{"client", harness.ProcessCPU},
		{"server", func() (time.Duration, error) { return proc.CPU(ctx) }},
	}
	for _, o := range operationsOn(ctx, proc, a).all() {
		t := report.Table{Title: o.name, Head: []string{"contender"}}
		for _, r := range rivals {
			t.Add(r.Name)
		}
		for _, callers := range pick(l, []int{1, 128}, []int{16}) {
			if err := l.addCPU(ctx, &t, callers, rivals, o, meters); err != nil {
				return s, err
			}
		}
		s.Tables = append(s.Tables, t)
	}
	return s, nil
}

// A meter is a process whose processor time is measured.
type meter struct {
	name string
	read harness.Meter
}

// addCPU adds what an operation uses with so many callers, a column for each meter.
func (l *Lab) addCPU(ctx context.Context, t *report.Table, callers int, rivals []rival, o operation, meters []meter) error {
	for _, m := range meters {
		head := m.name + ", " + plural(callers, "caller")
		l.Progress("CPU, %s: %s", o.name, head)
		var entries []harness.Entry
		for _, r := range rivals {
			turn := harness.Metered(harness.Callers(ctx, callers, o.of(r)), m.read)
			entries = append(entries, harness.Entry{Name: r.Name, Turn: turn})
		}
		plan := l.plan(callers)
		plan.Pause = o.pause
		results, err := l.run(plan, entries)
		if err != nil {
			return err
		}
		addColumn(t, head, results, timeAndRatio)
	}
	return nil
}
