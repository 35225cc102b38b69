package flight

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const (
	key = "k"
	ms  = time.Millisecond
)

func TestConcurrentCallersShareOneExecution(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		executions, callers := 0, 0
		fn := func(_ context.Context, f *Flight[int]) (int, error) {
			executions++
			time.Sleep(ms)
			f.SealStore()
			callers = f.Callers()
			return 7, nil
		}
		var all []<-chan answer
		for range 100 {
			all = append(all, do(t.Context(), g, key, fn))
		}
		led := 0
		for _, c := range all {
			a := <-c
			if a.outcome == Led {
				led++
			} else if a.outcome != Shared {
				t.Errorf("outcome %d", a.outcome)
			}
			if a.value != 7 || a.err != nil {
				t.Errorf("got %d, %v", a.value, a.err)
			}
			wantAfter(t, "caller", a, ms)
		}
		if led != 1 || executions != 1 || callers != 100 {
			t.Errorf("%d callers led, %d executions, %d callers counted", led, executions, callers)
		}
	})
}

func TestKeysDoNotShare(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		a := do(t.Context(), g, "a", stores(1, ms))
		b := do(t.Context(), g, "b", stores(2, ms))
		want(t, "a", <-a, 1, Led, nil)
		want(t, "b", <-b, 2, Led, nil)
	})
}

func TestSuccessiveCallsDoNotShare(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		want(t, "first", <-do(t.Context(), g, key, stores(1, ms)), 1, Led, nil)
		want(t, "second", <-do(t.Context(), g, key, stores(2, ms)), 2, Led, nil)
	})
}

func TestErrorIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		failed := errors.New("failed")
		fn := func(context.Context, *Flight[int]) (int, error) {
			time.Sleep(ms)
			return 0, failed
		}
		leader := do(t.Context(), g, key, fn)
		synctest.Wait()
		follower := do(t.Context(), g, key, fn)
		want(t, "leader", <-leader, 0, Led, failed)
		want(t, "follower", <-follower, 0, Shared, failed)
	})
}

// The function has the values of the first caller's context, and neither its
// deadline nor its cancellation. The context of whatever it leaves behind ends with it.
func TestFunctionContext(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		type name struct{}
		ctx := context.WithValue(within(t, ms), name{}, "first")
		var kept context.Context
		leader := do(ctx, g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			kept = ctx
			time.Sleep(2 * ms)
			if ctx.Value(name{}) != "first" {
				t.Error("the value of the first caller's context is gone")
			}
			if _, ok := ctx.Deadline(); ok || ctx.Err() != nil {
				t.Errorf("deadline: %v, error %v", ok, ctx.Err())
			}
			f.SealStore()
			return 1, nil
		})
		synctest.Wait()
		follower := do(context.WithValue(t.Context(), name{}, "second"), g, key, never(t))
		a := <-leader
		want(t, "leader", a, 0, Led, context.DeadlineExceeded)
		wantAfter(t, "leader", a, ms)
		want(t, "follower", <-follower, 1, Shared, nil)
		if kept.Err() != context.Canceled {
			t.Errorf("after the end: %v", kept.Err())
		}
	})
}

func TestCallerLeavesAtItsOwnEnd(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, stores(1, 10*ms))
		synctest.Wait()
		late := do(within(t, 3*ms), g, key, never(t))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*ms, cancel)
		cancelled := do(ctx, g, key, never(t))
		patient := do(t.Context(), g, key, never(t))

		a := <-late
		want(t, "late", a, 0, Shared, context.DeadlineExceeded)
		wantAfter(t, "late", a, 3*ms)
		a = <-cancelled
		want(t, "cancelled", a, 0, Shared, context.Canceled)
		wantAfter(t, "cancelled", a, 5*ms)
		want(t, "leader", <-leader, 1, Led, nil)
		want(t, "patient", <-patient, 1, Shared, nil)
	})
}

func TestEndedContextStartsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		want(t, "Do", <-do(ctx, g, key, never(t)), 0, Led, context.Canceled)
		want(t, "Refresh", <-refresh(ctx, g, key, never(t)), 0, Led, context.Canceled)
	})
}

// A function that nobody waits for is cancelled. Even if it goes on, nobody joins
// it any more and it may not store.
func TestLastCallerCancels(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		stored := true
		cancelled := time.Duration(0)
		began := time.Now()
		leader := do(within(t, ms), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			<-ctx.Done()
			cancelled = time.Since(began)
			time.Sleep(10 * ms)
			stored = f.SealStore()
			return 1, nil
		})
		synctest.Wait()
		follower := do(within(t, 2*ms), g, key, never(t))
		want(t, "leader", <-leader, 0, Led, context.DeadlineExceeded)
		want(t, "follower", <-follower, 0, Shared, context.DeadlineExceeded)
		a := <-do(t.Context(), g, key, stores(2, ms))
		want(t, "later", a, 2, Led, nil)
		wantAfter(t, "later", a, 2*ms)
		g.running.Wait()
		if stored || cancelled != 2*ms {
			t.Errorf("stored: %v, cancelled after %v", stored, cancelled)
		}
	})
}

// A store that was announced is completed although no caller waits for it.
func TestStoreOutlivesItsCallers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		var err error
		leader := do(within(t, 2*ms), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			if !f.SealStore() {
				t.Error("the store was refused")
			}
			time.Sleep(4 * ms)
			err = ctx.Err()
			return 1, nil
		})
		want(t, "leader", <-leader, 0, Led, context.DeadlineExceeded)
		late := <-do(t.Context(), g, key, never(t))
		want(t, "late", late, 0, TurnedAway, nil)
		if err != nil {
			t.Errorf("the function was cancelled: %v", err)
		}
	})
}
