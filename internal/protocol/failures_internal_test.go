package protocol

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/internal/flight"
)

// inFlight calls test in a flight, in which errors can be remembered.
func inFlight(t *testing.T, test func(f *flight.Flight[*Result])) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[*Result]
		_, _, _ = g.Do(t.Context(), "k", func(_ context.Context, f *flight.Flight[*Result]) (*Result, error) {
			test(f)
			return nil, nil
		})
	})
}

// Any number of keys that fail take no more memory than maxFailures of them: the latest are kept.
func TestFailuresAreBounded(t *testing.T) {
	inFlight(t, func(flight *flight.Flight[*Result]) {
		f := newFailures(time.Second)
		errs := make([]error, 100)
		for i := range errs {
			errs[i] = fmt.Errorf("%d", i)
		}
		const keys = 100 * maxFailures
		for i := range keys {
			f.remember(&Job{Key: fmt.Sprint("k", i), flight: flight}, errs[i%len(errs)], time.Now())
			if i%1000 == 0 {
				f.forget(fmt.Sprint("k", i))
			}
		}
		if len(f.byKey) > maxFailures || f.count > maxFailures {
			t.Errorf("%d keys are remembered, with %d errors, want %d at most", len(f.byKey), f.count, maxFailures)
		}
		for i := keys - 2*maxFailures; i < keys; i++ {
			wanted := errs[i%len(errs)]
			if i < keys-maxFailures || i%1000 == 0 {
				wanted = nil
			}
			if err := f.of(fmt.Sprint("k", i)); err != wanted {
				t.Fatalf("of key %d of %d: %v, want %v", i, keys, err, wanted)
			}
		}
	})
}

// A key that fails again and again, or is written each time, takes no place from others for long,
// and what is over is dropped by the next failure.
func TestFailuresOfOneKey(t *testing.T) {
	inFlight(t, func(flight *flight.Flight[*Result]) {
		f := newFailures(time.Second)
		boom, again := errors.New("boom"), errors.New("again")
		j := &Job{Key: "k", flight: flight}
		f.remember(j, boom, time.Now())
		f.forget("k", "unknown")
		if err := f.of("k"); err != nil {
			t.Errorf("a forgotten key has %v", err)
		}
		f.remember(j, boom, time.Now())
		time.Sleep(500 * time.Millisecond)
		f.remember(j, again, time.Now())
		time.Sleep(500 * time.Millisecond) // the first two are over
		f.remember(&Job{Key: "other", flight: flight}, boom, time.Now())
		if err := f.of("k"); err != again || f.count != 2 {
			t.Errorf("the key has %v, and %d errors are kept, want the latest and 2", err, f.count)
		}
		time.Sleep(time.Second)
		if err := f.of("other"); err != nil {
			t.Errorf("beyond its time there is %v", err)
		}
		f.remember(j, boom, time.Now())
		if len(f.byKey) != 1 || f.count != 1 {
			t.Errorf("%d keys with %d errors, want what is over to be dropped", len(f.byKey), f.count)
		}
	})
}

// Nothing is remembered of a flight that has ended.
func TestFailureOfAnEndedFlight(t *testing.T) {
	inFlight(t, func(flight *flight.Flight[*Result]) {
		f := newFailures(time.Second)
		boom := errors.New("boom")
		flight.Finish(nil, boom)
		f.remember(&Job{Key: "k", flight: flight}, boom, time.Now())
		if err := f.of("k"); err != nil {
			t.Errorf("the key has %v", err)
		}
	})
}
