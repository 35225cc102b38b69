package harness_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asidecache/aside/bench/harness"
)

func TestQuartiles(t *testing.T) {
	for _, test := range []struct {
		sample []float64
		want   harness.Quartiles
	}{
		{[]float64{7}, harness.Quartiles{Low: 7, Median: 7, High: 7}},
		{[]float64{3, 1}, harness.Quartiles{Low: 1.5, Median: 2, High: 2.5}},
		{[]float64{5, 1, 4, 2, 3}, harness.Quartiles{Low: 2, Median: 3, High: 4}},
		{[]float64{40, 10, 20, 30}, harness.Quartiles{Low: 17.5, Median: 25, High: 32.5}},
	} {
		before := slices.Clone(test.sample)
		if got := harness.QuartilesOf(test.sample); got != test.want {
			t.Errorf("quartiles of %v are %v, want %v", test.sample, got, test.want)
		}
		if !slices.Equal(test.sample, before) {
			t.Errorf("the sample %v was changed to %v", before, test.sample)
		}
	}
	if got := harness.QuartilesOf(nil); !math.IsNaN(got.Median) {
		t.Errorf("the median of nothing is %v, want NaN", got.Median)
	}
	if got := (harness.Quartiles{Low: 90, Median: 100, High: 115}).Spread(); got != 0.25 {
		t.Errorf("Spread = %v, want 0.25", got)
	}
}

func TestQuantile(t *testing.T) {
	sorted := []float64{0, 10, 20, 30, 40}
	for q, want := range map[float64]float64{0: 0, 0.1: 4, 0.5: 20, 0.99: 39.6, 1: 40} {
		if got := harness.Quantile(sorted, q); math.Abs(got-want) > 1e-9 {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0.456: "0.46", 9.99: "9.99", 12.34: "12.3", 123.4: "123", -150: "-150"} {
		if got := harness.Number(x); got != want {
			t.Errorf("Number(%v) = %q, want %q", x, got, want)
		}
	}
	if got := harness.Number(math.NaN()); got != "-" {
		t.Errorf("Number(NaN) = %q, want -", got)
	}
}

// turns returns entries that note when they are called and do so many operations
// a second.
func turns(log *[]string, speeds map[string]func(turn int) int) func(name string) harness.Entry {
	return func(name string) harness.Entry {
		n := 0
		return harness.Entry{Name: name, Turn: func(time.Duration) (int, time.Duration, error) {
			*log = append(*log, name)
			n++
			return speeds[name](n), time.Second, nil
		}}
	}
}

func TestCompareRotates(t *testing.T) {
	var log []string
	one := func(int) int { return 1 }
	entry := turns(&log, map[string]func(int) int{"a": one, "b": one, "c": one})
	pauses := 0
	plan := harness.Plan{Rounds: 3, Pause: func() error { pauses++; return nil }}
	if _, err := harness.Compare(plan, []harness.Entry{entry("a"), entry("b"), entry("c")}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(log, ""), "abc"+"bca"+"cab"+"abc"; got != want {
		t.Errorf("turns were %s, want %s", got, want)
	}
	if pauses != 4 {
		t.Errorf("there were %d pauses, want one before each of 4 rounds", pauses)
	}
}

// The machine is twice as slow in the second counted round: ratios do not see it.
// What the round before the first does is not counted.
func TestCompareTakesRatiosOfRounds(t *testing.T) {
	var log []string
	entry := turns(&log, map[string]func(int) int{
		"base": func(turn int) int { return []int{1, 100, 50, 100}[turn-1] },
		"new":  func(turn int) int { return []int{9999, 300, 150, 300}[turn-1] },
	})
	results, err := harness.Compare(harness.Plan{Rounds: 3}, []harness.Entry{entry("base"), entry("new")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := results[1].Ratio, (harness.Quartiles{Low: 3, Median: 3, High: 3}); got != want {
		t.Errorf("ratio %v, want %v", got, want)
	}
	if got, want := results[0].Speed, (harness.Quartiles{Low: 75, Median: 100, High: 100}); got != want {
		t.Errorf("speed of the base %v, want %v", got, want)
	}
	if got := results[0].Time(); got != 10*time.Millisecond {
		t.Errorf("time of an operation of the base %v, want 10ms", got)
	}
}

func TestCompareNamesWhoFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := harness.Compare(harness.Plan{Rounds: 1}, []harness.Entry{{Name: "wobbly", Turn: harness.Callers(t.Context(), 3, func(context.Context, *rand.Rand, int) error { return broken })}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "wobbly") {
		t.Errorf("error %v, want one of wobbly, that it is broken", err)
	}
}

func TestCallersCountsWhatWasDone(t *testing.T) {
	var done, now atomic.Int64
	const callers = 8
	all := make(chan struct{})
	ops, took, err := harness.Callers(t.Context(), callers, func(context.Context, *rand.Rand, int) error {
		if n := now.Add(1); n == callers { // all at once, once
			close(all)
		}
		<-all
		done.Add(1)
		return nil
	})(time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if int64(ops) != done.Load() || ops < callers {
		t.Errorf("%d operations were counted, %d were done by %d callers", ops, done.Load(), callers)
	}
	if took < time.Millisecond {
		t.Errorf("the turn took %v, it was to take 1ms at least", took)
	}
}

var sink []byte

func TestCostOf(t *testing.T) {
	cost, err := harness.CostOf(t.Context(), 1000, func(context.Context, *rand.Rand, int) error {
		sink = make([]byte, 1024)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cost.Allocs < 1 || cost.Allocs > 1.5 || cost.Bytes < 1024 || cost.Bytes > 1300 {
		t.Errorf("an allocation of 1024 bytes costs %+v", cost)
	}
}
