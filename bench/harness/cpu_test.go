package harness_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/asidecache/aside/bench/harness"
)

func TestMetered(t *testing.T) {
	used := 5 * time.Second
	meter := func() (time.Duration, error) { return used, nil }
	turn := func(time.Duration) (int, time.Duration, error) {
		used += 3 * time.Second
		return 7, time.Hour, nil
	}
	ops, took, err := harness.Metered(turn, meter)(time.Millisecond)
	if ops != 7 || took != 3*time.Second || err != nil {
		t.Errorf("%d operations took %v, %v; want 7 that took the 3s of the meter", ops, took, err)
	}
}

func TestMeteredFails(t *testing.T) {
	broken := errors.New("broken")
	fails := func() (time.Duration, error) { return 0, broken }
	works := func() (time.Duration, error) { return 0, nil }
	op := func(context.Context, *rand.Rand, int) error { return broken }
	if _, _, err := harness.Metered(harness.Callers(t.Context(), 1, op), works)(0); !errors.Is(err, broken) {
		t.Errorf("error %v of a turn that fails", err)
	}
	well := harness.Callers(t.Context(), 1, func(context.Context, *rand.Rand, int) error { return nil })
	if _, _, err := harness.Metered(well, fails)(0); !errors.Is(err, broken) {
		t.Errorf("error %v of a meter that fails", err)
	}
}

func TestProcessCPU(t *testing.T) {
	before, err := harness.ProcessCPU()
	if err != nil {
		t.Skip(err)
	}
	for range 1_000_000 { // which uses some
		after, err := harness.ProcessCPU()
		if err != nil || after < before {
			t.Fatalf("%v were used, then %v, %v", before, after, err)
		}
		if after > before {
			return
		}
	}
	t.Errorf("a million questions used no time: %v", before)
}

func TestTolerant(t *testing.T) {
	broken := errors.New("broken")
	var failures harness.Failures
	turn := harness.Tolerant(t.Context(), 1, func(ctx context.Context, _ *rand.Rand, n int) error {
		if n%2 == 0 {
			return broken
		}
		return nil
	}, &failures)
	failed := 0
	for range 2 { // what an earlier turn counted is not taken from a later one
		ops, _, err := turn(time.Millisecond)
		n, first := failures.Count()
		if n -= failed; ops != n && ops != n-1 || n == 0 || first != broken || err != nil {
			t.Errorf("%d operations were done and %d failed with %v, %v; want half of them", ops, n, first, err)
		}
		failed += n
	}
}
