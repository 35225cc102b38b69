package scenario

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// mix is the operation of the mixed load: a key that is more popular the lower
// its number, mostly read and now and then changed at its source.
func (r rival) mix(a subject.Account, popular distribution) harness.Op {
	const writes = 20 // one of so many operations is a write: 5 %
	load := always(a)
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		key := r.keys[popular.at(rng)]
		if rng.IntN(writes) == 0 {
			return r.Delete(ctx, key)
		}
		_, err := r.GetOrSet(ctx, key, load)
		return err
	}
}

// mixed measures reads and invalidations together.
func mixed(ctx context.Context, l *Lab) (s report.Section, err error) {
	n := pick(l, 100_000, 2000)
	s = report.Section{
		Title: "Mixed load",
		Text: fmt.Sprintf("%s keys by a Zipf distribution (exponent 1.1), 95 %% GetOrSet with a loader that has the value (300 B) at once, "+
			"5 %% Delete, as after a write to the source. Contenders with a cache in the process that Redis tells of writes take part.", grouped(n)),
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	rivals, err := open(contender.Env{Addrs: []string{proc.Addr}}, n, append(contender.Coherent(), control(contender.Base)))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	a, popular := subject.Sized(subject.Small), zipf(n, 1.1)
	op := func(r rival) harness.Op { return r.mix(a, popular) }
	l.Progress("mixed: warming up")
	able, failures, err := warmUp(ctx, rivals, pick(l, time.Second, 20*time.Millisecond), op)
	if err != nil {
		return s, err
	}
	s.Text += failures
	t, _, err := l.speeds(ctx, "mixed", []int{1, 16, 128}, able, op, nil)
	if err == nil {
		err = l.addBills(ctx, proc, &t, able, op)
	}
	s.Tables = append(s.Tables, t)
	return s, err
}

// warmUp lets 128 callers of each rival work for a while. A rival that fails is left out of
// the comparison and named in a sentence, the first and aside excepted: without them
// there is none.
func warmUp(ctx context.Context, rivals []rival, d time.Duration, op func(rival) harness.Op) (able []rival, failures string, err error) {
	for i, r := range rivals {
		_, _, err := harness.Callers(ctx, 128, op(r))(d)
		switch {
		case err == nil:
			able = append(able, r)
		case i == 0 || strings.HasPrefix(r.Name, "aside"):
			return nil, "", fmt.Errorf("%s: %w", r.Name, err)
		default:
			first, _, _ := strings.Cut(err.Error(), "\n")
			failures += fmt.Sprintf(" %s could not take part: %s.", r.Name, first)
		}
	}
	return able, failures, nil
}

// A distribution tells for each number how probable it or a lower one is.
type distribution []float64

// zipf returns the distribution of n numbers in which number i is chosen with a
// probability in proportion to 1/(i+1)^s.
func zipf(n int, s float64) distribution {
	d := make(distribution, n)
	sum := 0.0
	for i := range d {
		sum += math.Pow(float64(i+1), -s)
		d[i] = sum
	}
	for i := range d {
		d[i] /= sum
	}
	return d
}

func (d distribution) at(rng *rand.Rand) int {
	return min(sort.SearchFloat64s(d, rng.Float64()), len(d)-1)
}
