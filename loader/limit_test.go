package loader_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

// A gauge is a load of a second that counts how many run at once.
type gauge struct {
	mu            sync.Mutex
	running, most int
}

func (g *gauge) Get(_ context.Context, key int) (int, error) {
	g.mu.Lock()
	g.running++
	g.most = max(g.most, g.running)
	g.mu.Unlock()
	time.Sleep(time.Second)
	g.mu.Lock()
	g.running--
	g.mu.Unlock()
	return key, nil
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		fn := loader.Limit(g.Get, 2)
		start := time.Now()
		var callers sync.WaitGroup
		for key := range 5 {
			callers.Go(func() {
				if v, err := fn(t.Context(), key); v != key || err != nil {
					t.Errorf("got %d, %v; want %d", v, err, key)
				}
			})
		}
		callers.Wait()
		if took := time.Since(start); g.most != 2 || took != 3*time.Second {
			t.Errorf("%d at once in %v, want 2 in 3s", g.most, took)
		}
	})
}

func TestLimitServesFirstComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served []int
		fn := loader.Limit(func(_ context.Context, key int) (int, error) {
			served = append(served, key)
			time.Sleep(time.Second)
			return key, nil
		}, 1)
		var callers sync.WaitGroup
		for key := range 20 {
			callers.Go(func() { fn(t.Context(), key) })
			synctest.Wait()
		}
		callers.Wait()
		if !slices.IsSorted(served) || len(served) != 20 {
			t.Errorf("served in the order %v", served)
		}
	})
}

func TestLimitWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		fn := loader.Limit(g.Get, 1)
		go fn(t.Context(), 1)
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		start := time.Now()
		_, err := fn(ctx, 2)
		if took := time.Since(start); took != 100*time.Millisecond || !errors.Is(err, context.Canceled) {
			t.Errorf("%v after %v, want context.Canceled after 100ms", err, took)
		}
		if got, want := err.Error(), "loader: waited for one of 1 running loads to end: context canceled"; got != want {
			t.Errorf("text %q, want %q", got, want)
		}
		// The one that left holds nothing: the next waits for the first alone.
		if _, err := fn(t.Context(), 3); err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v, want success after 2s", err, time.Since(start))
		}
	})
}

func TestLimitStartsNothingForAContextThatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fn := loader.Limit(untouched(t), 1)
	for range 64 { // a select between both would start about half of them
		if _, err := fn(ctx, 7); err != context.Canceled {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	}
}

func TestLimitIsFreedHoweverTheLoadEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func() error
	}{
		{"error", func() error { return errDown }},
		{"panic", func() error { panic(errDown) }},
		{"Goexit", func() error { runtime.Goexit(); return nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := tt.end
				fn := loader.Limit(func(context.Context, int) (string, error) { return "ann", end() }, 1)
				var first sync.WaitGroup
				first.Go(func() {
					defer func() {
						if r := recover(); tt.name == "panic" && r != errDown {
							t.Errorf("recovered %v, want the panic as it was", r)
						}
					}()
					fn(t.Context(), 1)
				})
				first.Wait()

				end = func() error { return nil }
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if v, err := fn(ctx, 2); v != "ann" || err != nil {
					t.Errorf("the next call got %q, %v; want ann", v, err)
				}
			})
		})
	}
}

func TestLimitsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		one, two := loader.Limit(g.Get, 1), loader.Limit(g.Get, 1)
		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() { one(t.Context(), 1) })
		callers.Go(func() { two(t.Context(), 2) })
		callers.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}
