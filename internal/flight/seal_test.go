package flight

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func nothing(*Flight[int])     {}
func seal(f *Flight[int])      { f.Seal() }
func sealStore(f *Flight[int]) { f.SealStore() }
func begin(f *Flight[int])     { f.Begin() }

// Callers join before, between and after what the function announces after 2 and
// 4 ms.
func TestSeal(t *testing.T) {
	for _, test := range []struct {
		name     string
		first    func(f *Flight[int])
		second   func(f *Flight[int])
		outcomes [3]Outcome // of callers that join after 1, 3 and 5 ms
	}{
		{"none", nothing, nothing, [3]Outcome{TurnedAway, TurnedAway, TurnedAway}},
		{"one", nothing, seal, [3]Outcome{Shared, Shared, TurnedAway}},
		{"two", seal, seal, [3]Outcome{Shared, Shared, TurnedAway}},
		{"store", nothing, sealStore, [3]Outcome{Shared, Shared, TurnedAway}},
		{"refused", nothing, func(f *Flight[int]) { f.Seal(); f.Refuse() }, [3]Outcome{TurnedAway, TurnedAway, TurnedAway}},
		{"begun", begin, nothing, [3]Outcome{Shared, TurnedAway, TurnedAway}},
		{"begun and stored", begin, sealStore, [3]Outcome{Shared, Shared, TurnedAway}},
		{"begun and refused", begin, func(f *Flight[int]) { f.SealStore(); f.Refuse() }, [3]Outcome{Shared, TurnedAway, TurnedAway}},
		{"begun twice and refused", begin, func(f *Flight[int]) { f.Begin(); f.Refuse() }, [3]Outcome{Shared, Shared, TurnedAway}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Group[int]) {
				leader := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
					time.Sleep(2 * ms)
					test.first(f)
					time.Sleep(2 * ms)
					test.second(f)
					time.Sleep(2 * ms)
					return 1, nil
				})
				var followers [3]<-chan answer
				time.Sleep(ms)
				for i := range followers {
					followers[i] = do(t.Context(), g, key, never(t))
					time.Sleep(2 * ms)
				}
				want(t, "leader", <-leader, 1, Led, nil)
				for i, outcome := range test.outcomes {
					value := 1
					if outcome == TurnedAway {
						value = 0
					}
					want(t, test.name, <-followers[i], value, outcome, nil)
				}
			})
		})
	}
}

// A function may leave a goroutine behind. What that says after the end comes too
// late, for followers that have still to look at the result as well.
func TestAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		flights := make(chan *Flight[int], 1)
		leader := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			flights <- f
			time.Sleep(2 * ms)
			f.Seal()
			time.Sleep(2 * ms)
			return 1, nil
		})
		flight := <-flights
		join := func() int32 {
			g.mu.Lock()
			defer g.mu.Unlock()
			return flight.join()
		}
		time.Sleep(ms)
		early := join()
		time.Sleep(2 * ms)
		late := join()
		want(t, "leader", <-leader, 1, Led, nil)
		flight.Refuse()
		flight.Seal()
		if flight.SealStore() {
			t.Error("the store was allowed")
		}
		flight.Settled()
		flight.Fail(context.Canceled)
		v, outcome, err := flight.follow(t.Context(), early)
		want(t, "early", answer{value: v, outcome: outcome, err: err}, 1, Shared, nil)
		v, outcome, err = flight.follow(t.Context(), late)
		want(t, "late", answer{value: v, outcome: outcome, err: err}, 0, TurnedAway, nil)
	})
}

// A caller that is turned away can begin a flight of its own.
func TestTurnedAwayCanLead(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, stores(1, 2*ms))
		time.Sleep(3 * ms)
		if _, outcome, err := g.Do(t.Context(), key, never(t)); outcome != TurnedAway || err != nil {
			t.Errorf("outcome %d, error %v", outcome, err)
		}
		want(t, "again", <-do(t.Context(), g, key, stores(2, ms)), 2, Led, nil)
		want(t, "leader", <-leader, 1, Led, nil)
	})
}

// Fail ends the wait of all callers while the function still runs. What that does later is
// dropped, and meets a key that others obtain anew.
func TestFail(t *testing.T) {
	failed := errors.New("too late")
	for name, end := range map[string]func() (int, error){
		"returns": func() (int, error) { return 1, nil },
		"fails":   func() (int, error) { return 0, errors.ErrUnsupported },
		"panics":  func() (int, error) { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Group[int]) {
				var ended error
				leader := do(t.Context(), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
					time.AfterFunc(2*ms, func() { f.Fail(failed) })
					<-ctx.Done()
					ended = ctx.Err()
					time.Sleep(ms)
					f.Seal()
					if f.SealStore() {
						t.Error("the store was allowed")
					}
					f.Refuse()
					f.Settled()
					f.Fail(errors.ErrUnsupported)
					return end()
				})
				synctest.Wait()
				follower := do(t.Context(), g, key, never(t))
				a := <-leader
				want(t, "leader", a, 0, Led, failed)
				wantAfter(t, "leader", a, 2*ms)
				want(t, "follower", <-follower, 0, Shared, failed)
				want(t, "next", <-do(t.Context(), g, key, stores(2, 2*ms)), 2, Led, nil)
				if ended != context.Canceled {
					t.Errorf("the function's context: %v", ended)
				}
			})
		})
	}
}

func TestFailDoesNothingOnceStoring(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			f.SealStore()
			f.Fail(errors.ErrUnsupported)
			return 1, ctx.Err()
		})
		want(t, "leader", <-leader, 1, Led, nil)
	})
}

// Changes counts stores and writes, and nothing else.
func TestChanges(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		changes := func(what string, n uint64) {
			t.Helper()
			if got := g.Changes(); got != n {
				t.Errorf("%s: %d changes, want %d", what, got, n)
			}
		}
		g.Do(t.Context(), key, func(_ context.Context, f *Flight[int]) (int, error) {
			f.Seal()
			return 0, nil
		})
		g.Do(within(t, ms), key, stores(1, 2*ms))
		g.running.Wait()
		changes("nothing stored", 0)
		g.Do(t.Context(), key, stores(1, ms))
		changes("stored", 1)
		w, _ := g.Fence(t.Context(), farOff(), key)
		changes("write begun", 1)
		w.End()
		changes("write ended", 2)
	})
}

// The store of a flight is counted before another flight can begin: a caller that
// leads without having seen it would load what is there.
func TestChangeIsSeenByTheNextLeader(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		for i := range uint64(50) {
			first := do(t.Context(), g, key, stores(1, ms))
			synctest.Wait()
			next := refresh(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
				if got := g.Changes(); got != i+1 {
					t.Errorf("%d changes, want %d", got, i+1)
				}
				return 0, nil
			})
			<-first
			<-next
		}
	})
}
