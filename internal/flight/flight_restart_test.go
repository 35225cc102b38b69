package flight

import (
	"context"
	"testing"
	"time"
)

// The last caller leaves while the result is being stored, which is not disturbed. When the
// store is refused, and the function wants to start over, nobody is left to do that for.
func TestRestartForNobody(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		ended := make(chan error, 1)
		a := <-do(within(t, ms), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			if !f.SealStore() {
				t.Error("the store was not allowed")
			}
			time.Sleep(2 * ms) // the caller leaves
			if ctx.Err() != nil || !f.Wanted() {
				t.Errorf("the store is disturbed: %v", ctx.Err())
			}
			f.Restart()
			ended <- ctx.Err()
			if f.Wanted() {
				t.Error("the function is to go on for nobody")
			}
			time.Sleep(2 * ms)
			if f.SealStore() {
				t.Error("the result of a load that nobody waits for may be stored")
			}
			return 1, nil
		})
		want(t, "leader", a, 0, Led, context.DeadlineExceeded)
		if err := <-ended; err != context.Canceled {
			t.Errorf("the function's context: %v, want %v", err, context.Canceled)
		}
		checkInvariants(t, g)
		want(t, "next", <-do(t.Context(), g, key, stores(2, ms)), 2, Led, nil)
	})
}

// A function that starts over begins anew: callers that came before Restart may have the result
// of the last beginning, and it may store.
func TestRestartForThoseWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			f.Begin()
			f.SealStore()
			time.Sleep(2 * ms)
			f.Restart()
			f.Begin()
			time.Sleep(2 * ms)
			if !f.SealStore() {
				t.Error("the second store was not allowed")
			}
			f.Refuse()
			return 2, nil
		})
		time.Sleep(ms)
		early := do(t.Context(), g, key, never(t))
		time.Sleep(2 * ms)
		late := do(t.Context(), g, key, never(t))
		want(t, "leader", <-leader, 2, Led, nil)
		want(t, "early", <-early, 2, Shared, nil)
		want(t, "late", <-late, 0, TurnedAway, nil)
	})
}
