package harness

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// An Op is one operation. rng is the caller's own; n counts the caller's
// operations of the turn from 0.
type Op func(ctx context.Context, rng *rand.Rand, n int) error

// Callers returns a turn in which n goroutines do op, each again and again until
// the time is over. The turn ends when the last of them has its answer: all that
// was begun is counted and all the time it took.
//
// Each has a context of its own, as requests have: callers that wait for the end of one and the
// same context would contend for it.
func Callers(ctx context.Context, n int, op Op) Turn {
	var seed atomic.Uint64
	return func(d time.Duration) (int, time.Duration, error) {
		var over atomic.Bool
		var ops atomic.Int64
		errs := make([]error, n)
		begin := make(chan struct{})
		var ready, done sync.WaitGroup
		ready.Add(n)
		for i := range n {
			done.Go(func() {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				rng := rand.New(rand.NewPCG(seed.Add(1), uint64(i)))
				ready.Done()
				<-begin
				own := 0
				for own == 0 || !over.Load() {
					if errs[i] = op(ctx, rng, own); errs[i] != nil {
						break
					}
					own++
				}
				ops.Add(int64(own))
			})
		}
		ready.Wait()
		began := time.Now()
		timer := time.AfterFunc(d, func() { over.Store(true) })
		defer timer.Stop()
		close(begin)
		done.Wait()
		return int(ops.Load()), time.Since(began), errors.Join(errs...)
	}
}

// Cost is what one operation of a single caller takes from the process.
type Cost struct {
	Allocs float64
	Bytes  float64
}

// CostOf lets one caller do op n times and returns the cost of one. What other
// goroutines of the process allocate meanwhile, such as those of a client, counts
// too: it is part of the operation.
func CostOf(ctx context.Context, n int, op Op) (Cost, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n/10 + 1 {
		if err := op(ctx, rng, i); err != nil {
			return Cost{}, err
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		if err := op(ctx, rng, i); err != nil {
			return Cost{}, err
		}
	}
	runtime.ReadMemStats(&after)
	return Cost{
		Allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}, nil
}

// HeapInUse returns the bytes of live objects after a collection.
func HeapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools let go in the first
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
