// Package scenario holds what is measured: one function for each scenario, which
// returns its section of the report.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/server"
	"github.com/asidecache/aside/bench/subject"
)

// A Lab is where scenarios run.
type Lab struct {
	Server   server.Program
	Others   []server.Program                 // that the main table is repeated on
	Quick    bool                             // few rounds and small sizes: to see that all works, not to compare
	Progress func(format string, args ...any) // told of each step
	Noise    float64                          // the widest spread of a control so far

	loads map[string]string // of a stampede, by contender
}

// A Scenario is one section of the report.
type Scenario struct {
	Name string // for -only
	Run  func(context.Context, *Lab) (report.Section, error)
}

// All returns the scenarios in the order of the report.
func All() []Scenario {
	return []Scenario{
		{"hit", hit},
		{"servers", servers},
		{"spread", spread},
		{"near", near},
		{"miss", miss},
		{"write", write},
		{"stampede", stampede},
		{"correct", correct},
		{"batch", batch},
		{"mixed", mixed},
		{"cpu", processors},
		{"large", large},
		{"cluster", cluster},
		{"hash", hash},
		{"codec", codecs},
		{"list", lists},
		{"memory", memory},
		{"size", valueSize},
		{"keys", keyCount},
		{"caches", cacheCount},
	}
}

// pick returns the figure for a full run or the one for a quick run.
func pick[T any](l *Lab, full, quick T) T {
	if l.Quick {
		return quick
	}
	return full
}

// plan returns how long is measured with so many callers. With a thousand callers
// a turn has to be long enough for each to have more than one answer.
func (l *Lab) plan(callers int) harness.Plan {
	turn := pick(l, 25*time.Millisecond, 5*time.Millisecond)
	if callers >= 1000 {
		turn *= 2
	}
	return harness.Plan{Rounds: pick(l, 21, 3), Turn: turn}
}

// A rival is an opened contender and its keys.
type rival struct {
	contender.Spec
	contender.Contender
	keys []string
}

const controlName = "the first row again (control)"

// control is a contender once more: what differs between the two is noise.
func control(first contender.Spec) contender.Spec {
	first.Name = controlName
	return first
}

// open opens contenders on a server, each with n keys of its own.
func open(env contender.Env, n int, specs []contender.Spec) (rivals []rival, err error) {
	for i, spec := range specs {
		c, err := spec.Open(env)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", spec.Name, err), closeAll(rivals))
		}
		rivals = append(rivals, rival{spec, c, keys(i, n)})
	}
	return rivals, nil
}

// openFilled opens contenders as open does, and caches the account under all their keys.
func openFilled(
	ctx context.Context, env contender.Env, n int, specs []contender.Spec, a subject.Account,
) ([]rival, error) {
	rivals, err := open(env, n, specs)
	if err != nil {
		return nil, err
	}
	for _, r := range rivals {
		if err := r.fill(ctx, a); err != nil {
			return nil, errors.Join(err, closeAll(rivals))
		}
	}
	return rivals, nil
}

func closeAll(rivals []rival) error {
	var errs []error
	for _, r := range rivals {
		if err := r.Close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: close: %w", r.Name, err))
		}
	}
	return errors.Join(errs...)
}

func keys(contender, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("account:%d:%d", contender, i)
	}
	return out
}

// fill caches the account under all the rival's keys.
func (r rival) fill(ctx context.Context, a subject.Account) error {
	for _, key := range r.keys {
		if _, err := r.GetOrSet(ctx, key, always(a)); err != nil {
			return fmt.Errorf("%s: fill: %w", r.Name, err)
		}
	}
	return nil
}

// always is a loader that has the account at once.
func always(a subject.Account) contender.Loader {
	return func(context.Context, string) (subject.Account, error) { return a, nil }
}

var errLoaded = errors.New("a load where there should have been a hit")

// never is the loader of measured hits.
func never(context.Context, string) (subject.Account, error) {
	return subject.Account{}, errLoaded
}

// hits is the operation of reading a random key that is cached. What comes back is
// looked at, lest a fast wrong answer wins.
func (r rival) hits(want subject.Account) harness.Op {
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		got, err := r.GetOrSet(ctx, r.keys[rng.IntN(len(r.keys))], never)
		if err == nil && (got.ID != want.ID || len(got.Bio) != len(want.Bio)) {
			err = errors.New("the answer is not what was cached")
		}
		return err
	}
}

// compare measures operations of rivals against the first of them.
func (l *Lab) compare(ctx context.Context, callers int, rivals []rival, op func(rival) harness.Op, pause func() error) ([]harness.Result, error) {
	var entries []harness.Entry
	for _, r := range rivals {
		entries = append(entries, harness.Entry{Name: r.Name, Turn: harness.Callers(ctx, callers, op(r))})
	}
	plan := l.plan(callers)
	plan.Pause = pause
	return l.run(plan, entries)
}

// run measures entries against the first of them, and looks how steady the control is.
func (l *Lab) run(plan harness.Plan, entries []harness.Entry) ([]harness.Result, error) {
	results, err := harness.Compare(plan, entries)
	for _, r := range results {
		if r.Name == controlName {
			l.Noise = max(l.Noise, r.Ratio.Spread())
		}
	}
	return results, err
}

// A bill is what operations of one caller cost the process and the server.
type bill struct {
	harness.Cost
	commands string
	trips    float64
}

// bill counts what one operation costs, with one caller.
func (l *Lab) bill(ctx context.Context, p *server.Process, op harness.Op) (bill, error) {
	n := pick(l, 2000, 200)
	before, err := p.Counts(ctx)
	if err != nil {
		return bill{}, err
	}
	ops := 0
	cost, err := harness.CostOf(ctx, n, func(ctx context.Context, rng *rand.Rand, i int) error {
		ops++
		return op(ctx, rng, i)
	})
	if err != nil {
		return bill{}, err
	}
	after, err := p.Counts(ctx)
	done := after.Since(before)
	return bill{cost, done.PerOp(ops), float64(done.Reads) / float64(ops)}, err
}

// cells returns the columns of the bill: see billHead.
func (b bill) cells() []string {
	return []string{
		strconv.FormatFloat(b.Allocs, 'f', 0, 64), strconv.FormatFloat(b.Bytes, 'f', 0, 64),
		b.commands, strconv.FormatFloat(b.trips, 'f', 2, 64),
	}
}

var billHead = []string{"allocs/op", "B/op", "commands/op", "round trips/op"}

// addColumn adds a column of results to a table.
func addColumn(t *report.Table, head string, results []harness.Result, cell func(int, harness.Result) string) {
	t.Head = append(t.Head, head)
	for i, r := range results {
		t.Rows[i] = append(t.Rows[i], cell(i, r))
	}
}

// ratio is the cell of a result: its speed against the first row's, or that one's
// own speed.
func ratio(i int, r harness.Result) string {
	if i == 0 {
		return perSecond(r.Speed.Median)
	}
	return r.Ratio.String()
}

func perSecond(speed float64) string {
	switch {
	case speed >= 1e6:
		return harness.Number(speed/1e6) + " M/s"
	case speed >= 1e3:
		return harness.Number(speed/1e3) + " k/s"
	default:
		return harness.Number(speed) + "/s"
	}
}

func size(bytes int) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%d MB", bytes>>20)
	case bytes >= 1<<10:
		return fmt.Sprintf("%d KB", bytes>>10)
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}
