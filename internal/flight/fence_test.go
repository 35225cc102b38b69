package flight

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A flight that a write overtakes keeps its result for its own caller.
func TestWriteRefusesOlderFlights(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			time.Sleep(2 * ms)
			if f.SealStore() {
				t.Error("the store was allowed")
			}
			return 1, nil
		})
		synctest.Wait()
		follower := do(t.Context(), g, key, never(t))
		synctest.Wait()
		w, err := g.Fence(t.Context(), farOff(), key)
		if err != nil {
			t.Error(err)
		}
		w.End()
		after := do(t.Context(), g, key, stores(2, 2*ms))
		want(t, "leader", <-leader, 1, Led, nil)
		want(t, "follower", <-follower, 0, TurnedAway, nil)
		want(t, "after", <-after, 2, Led, nil)
	})
}

// An earlier seal does not make up for a store that was refused.
func TestRefusedStoreIsNotShared(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			time.Sleep(ms)
			f.Seal()
			time.Sleep(2 * ms)
			f.SealStore()
			return 1, nil
		})
		synctest.Wait()
		follower := do(t.Context(), g, key, never(t))
		time.Sleep(2 * ms)
		w, _ := g.Fence(t.Context(), farOff(), key)
		w.End()
		want(t, "leader", <-leader, 1, Led, nil)
		want(t, "follower", <-follower, 0, TurnedAway, nil)
	})
}

// What begins during a write is neither stored nor shared by callers that come after.
func TestFlightOfAWrite(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		w, _ := g.Fence(t.Context(), farOff(), key)
		during := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			time.Sleep(3 * ms)
			if f.SealStore() {
				t.Error("the store was allowed")
			}
			return 1, nil
		})
		time.Sleep(ms)
		checkInvariants(t, g)
		w.End()
		after := do(t.Context(), g, key, stores(2, ms))
		want(t, "after", <-after, 2, Led, nil)
		want(t, "during", <-during, 1, Led, nil)
	})
}

// The first of two writes that ends does not let flights store: the other still
// runs.
func TestOverlappingWrites(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		first, _ := g.Fence(t.Context(), farOff(), key)
		second, _ := g.Fence(t.Context(), farOff(), key)
		first.End()
		during := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			if f.SealStore() {
				t.Error("the store was allowed")
			}
			return 1, nil
		})
		want(t, "during", <-during, 1, Led, nil)
		second.End()
	})
}

// The function announces its store after 1 ms, has it answered after 4 and ends
// after 8.
func storesSlowly(settle bool) Func[int] {
	return func(_ context.Context, f *Flight[int]) (int, error) {
		time.Sleep(ms)
		f.SealStore()
		time.Sleep(3 * ms)
		if settle {
			f.Settled()
			f.Settled()
		}
		time.Sleep(4 * ms)
		return 1, nil
	}
}

func TestWritesWaitForAStore(t *testing.T) {
	for _, test := range []struct {
		name   string
		settle bool
		after  time.Duration // since the announcement and 1 ms
	}{{"settled", true, 2 * ms}, {"ended", false, 6 * ms}} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Group[int]) {
				leader := do(t.Context(), g, key, storesSlowly(test.settle))
				time.Sleep(2 * ms)
				first, w1 := fence(t.Context(), g, "other", key, key)
				synctest.Wait()
				second, w2 := fence(t.Context(), g, key)
				impatient, w3 := fence(within(t, ms), g, key)
				hasty, w4 := fenceUntil(t.Context(), g, time.Now().Add(ms), key)
				synctest.Wait()
				checkInvariants(t, g)
				a := <-impatient
				want(t, "impatient", a, 0, 0, context.DeadlineExceeded)
				wantAfter(t, "impatient", a, ms)
				w3.End()
				a = <-hasty
				want(t, "hasty", a, 0, 0, context.DeadlineExceeded)
				wantAfter(t, "hasty", a, ms)
				w4.End()
				a = <-first
				want(t, "first", a, 0, 0, nil)
				wantAfter(t, "first", a, test.after)
				a = <-second
				want(t, "second", a, 0, 0, nil)
				wantAfter(t, "second", a, test.after)
				w1.End()
				w2.End()
				want(t, "leader", <-leader, 1, Led, nil)
			})
		})
	}
}

// A store that was answered before the write came is not waited for.
func TestWriteDoesNotWaitForASettledStore(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, storesSlowly(true))
		time.Sleep(5 * ms)
		write, w := fence(t.Context(), g, key)
		wantAfter(t, "write", <-write, 0)
		w.End()
		want(t, "leader", <-leader, 1, Led, nil)
	})
}

// The group keeps nothing of the slice of keys.
func TestFenceKeysAreTheCallers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		keys := []string{"a", "b"}
		w, _ := g.Fence(t.Context(), farOff(), keys...)
		clear(keys)
		w.End()
	})
}
