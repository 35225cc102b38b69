package loader_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

func TestCoalesceStartsNothingForAContextThatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var d table
	fn := loader.Coalesce(d.Users, 0, 1)
	for range 64 {
		if _, err := fn(ctx, 7); err != context.Canceled {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	}
	asked(t, &d)
}

// leaver loads key 7 and expects to leave with its context, after so long.
func leaver(t *testing.T, fn loader.Func[int, string], all *sync.WaitGroup, after time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	all.Go(func() {
		defer cancel()
		start := time.Now()
		_, err := fn(ctx, 7)
		if took := time.Since(start); took != after || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v, want the deadline after %v", err, took, after)
		}
		if want := "loader: waited for a batch to be loaded: context deadline exceeded"; err.Error() != want {
			t.Errorf("text %q, want %q", err, want)
		}
	})
	synctest.Wait()
}

// Who leaves fails nobody else, whether the batch has been sent or not, and a key
// that only they wanted is not asked for.
func TestCoalesceCallersLeaveOnTheirOwn(t *testing.T) {
	tests := []struct {
		name   string
		after  time.Duration
		others []int
		want   []int
	}{
		{"before it is sent", window / 2, []int{8, 9}, []int{8, 9}},
		{"before it is sent, not the only one for the key", window / 2, []int{8, 7}, []int{7, 8}},
		{"while it runs", window + time.Second/2, []int{8, 9}, []int{7, 8, 9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := table{takes: time.Second}
				all := callers{t: t, fn: loader.Coalesce(d.Users, window, 100)}
				start := time.Now()
				leaver(t, all.fn, &all.WaitGroup, tt.after)
				all.load(tt.others...)
				all.Wait()
				asked(t, &d, tt.want)
				if took := time.Since(start); took != window+time.Second {
					t.Errorf("the others took %v", took)
				}
			})
		})
	}
}

// A key without callers is removed from its batch: the batch is full only with keys that
// a caller waits for.
func TestCoalesceCountsOnlyKeysThatAreWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d table
		all := callers{t: t, fn: loader.Coalesce(d.Users, window, 2)}
		leaver(t, all.fn, &all.WaitGroup, window/2)
		time.Sleep(window / 2)
		synctest.Wait()
		all.load(8)
		asked(t, &d)
		all.load(9)
		asked(t, &d, []int{8, 9})
		all.Wait()
	})
}

func TestCoalesceDropsABatchThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d table
		all := callers{t: t, fn: loader.Coalesce(d.Users, window, 100)}
		leaver(t, all.fn, &all.WaitGroup, window/2)
		all.Wait()
		synctest.Wait()

		// The next batch has a window of its own.
		start := time.Now()
		all.load(8)
		all.Wait()
		asked(t, &d, []int{8})
		if took := time.Since(start); took != window {
			t.Errorf("sent after %v, want %v", took, window)
		}
	})
}

func TestCoalesceCancelsWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ended time.Duration
		fn := loader.Coalesce(func(ctx context.Context, _ []int) (map[int]string, error) {
			<-ctx.Done()
			ended = time.Since(start)
			return nil, ctx.Err()
		}, window, 100)
		var all sync.WaitGroup
		leaver(t, fn, &all, time.Second)
		leaver(t, fn, &all, 2*time.Second)
		all.Wait()
		synctest.Wait()
		if ended != 2*time.Second {
			t.Errorf("the batch was cancelled after %v, want 2s, when the last one left", ended)
		}
	})
}

func TestCoalesceKeepsTheFirstCallersValues(t *testing.T) {
	type tenant struct{}
	synctest.Test(t, func(t *testing.T) {
		var inner context.Context
		fn := loader.Coalesce(func(ctx context.Context, _ []int) (map[int]string, error) {
			inner = ctx
			if _, ok := ctx.Deadline(); ok || ctx.Err() != nil || ctx.Value(tenant{}) != "first" {
				t.Errorf("the batch has %v", ctx)
			}
			return nil, nil
		}, window, 100)
		var all sync.WaitGroup
		for _, name := range []string{"first", "second"} {
			ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), tenant{}, name), time.Second)
			all.Go(func() { defer cancel(); fn(ctx, 7) })
			synctest.Wait()
		}
		all.Wait()
		if inner.Err() != context.Canceled {
			t.Errorf("the context of a batch that returned has error %v", inner.Err())
		}
	})
}

// Both callers get the panic, with the stack it began on.
func TestCoalesceHandsOnAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fn := loader.Coalesce(func(context.Context, []int) (map[int]string, error) {
			explode(errDown)
			return nil, nil
		}, window, 100)
		var all sync.WaitGroup
		for key := range 2 {
			all.Go(func() {
				defer func() {
					err, _ := recover().(error)
					if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "explode") {
						t.Errorf("key %d: the panic lost its value or its stack: %v", key, err)
					}
				}()
				fn(t.Context(), key)
				t.Errorf("key %d: the call returned", key)
			})
		}
		all.Wait()
	})
}

func TestCoalesceHandsOnGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fn := loader.Coalesce(func(context.Context, []int) (map[int]string, error) {
			runtime.Goexit()
			return nil, nil
		}, window, 100)
		var all sync.WaitGroup
		for key := range 2 {
			all.Go(func() {
				fn(t.Context(), key)
				t.Errorf("key %d: the call returned", key)
			})
		}
		all.Wait()
	})
}
