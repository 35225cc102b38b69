package harness

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Failures are the operations that failed in turns of Tolerant.
type Failures struct {
	mu    sync.Mutex
	count int
	first error
}

// Count returns how many there were, and the error of the first.
func (f *Failures) Count() (n int, first error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count, f.first
}

func (f *Failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; f.first == nil {
		f.first = err
	}
}

// Tolerant returns a turn of Callers that goes on after an operation has failed. Such an
// operation is counted in failures, and not in the turn.
func Tolerant(ctx context.Context, n int, op Op, failures *Failures) Turn {
	turn := Callers(ctx, n, func(ctx context.Context, rng *rand.Rand, i int) error {
		if err := op(ctx, rng, i); err != nil {
			failures.add(err)
		}
		return nil
	})
	return func(d time.Duration) (int, time.Duration, error) {
		before, _ := failures.Count()
		ops, took, err := turn(d)
		after, _ := failures.Count()
		return ops - (after - before), took, err
	}
}
