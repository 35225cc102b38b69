package flight

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counted returns a function that stores how often it has run by then.
func counted(executions *int) Func[int] {
	return func(_ context.Context, f *Flight[int]) (int, error) {
		*executions++
		v := *executions
		time.Sleep(2 * ms)
		f.SealStore()
		return v, nil
	}
}

func TestRefreshesShareTheNextFlight(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		executions := 0
		fn := counted(&executions)
		first := do(t.Context(), g, key, fn)
		synctest.Wait()
		var all []<-chan answer
		for range 100 {
			all = append(all, refresh(t.Context(), g, key, fn))
		}
		synctest.Wait()
		checkInvariants(t, g)
		joined := do(t.Context(), g, key, fn)
		want(t, "first", <-first, 1, Led, nil)
		want(t, "Do", <-joined, 1, Shared, nil)
		led := 0
		for _, c := range all {
			a := <-c
			if a.outcome == Led {
				led++
			}
			want(t, "refresh", a, 2, a.outcome, nil)
			wantAfter(t, "refresh", a, 4*ms)
		}
		if executions != 2 || led != 1 {
			t.Errorf("%d executions, %d led", executions, led)
		}
	})
}

// A batch of refreshes loads at once what is not under way, and by a call of its own what is:
// after that has ended. What comes meanwhile shares.
func TestJoinOfRefreshes(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		busy := do(t.Context(), g, "b", stores(7, 5*ms))
		synctest.Wait()
		var mu sync.Mutex // guards batches
		var batches [][]string
		fn := func(_ context.Context, flights []*Flight[int]) error {
			mu.Lock()
			defer mu.Unlock()
			var keys []string
			for _, f := range flights {
				keys = append(keys, f.Key())
				f.Begin()
				f.Finish(len(batches)+1, nil)
			}
			batches = append(batches, keys)
			return nil
		}
		tickets, err := g.Join(t.Context(), []string{"a", "b", "c"}, true, fn)
		if err != nil {
			t.Fatal(err)
		}
		joined := refresh(t.Context(), g, "b", never(t))
		synctest.Wait()
		checkInvariants(t, g)
		wantAnswers(t, "refreshes", collect(t.Context(), tickets), Answer[int]{Result: 1}, Answer[int]{Result: 2}, Answer[int]{Result: 1})
		want(t, "the flight under way", <-busy, 7, Led, nil)
		want(t, "a refresh that joins", <-joined, 2, Shared, nil)
		mu.Lock()
		defer mu.Unlock()
		if !slices.EqualFunc(batches, [][]string{{"a", "c"}, {"b"}}, slices.Equal) {
			t.Errorf("calls for %q", batches)
		}
	})
}

// A key that a batch of refreshes names twice has one flight, which begins now or later.
func TestJoinOfRefreshesOfOneKey(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		busy := do(t.Context(), g, "b", stores(7, 5*ms))
		synctest.Wait()
		tickets, err := g.Join(t.Context(), []string{"a", "a", "b", "b"}, true, finishing)
		if err != nil {
			t.Fatal(err)
		}
		wantAnswers(t, "refreshes", collect(t.Context(), tickets),
			Answer[int]{Result: 1}, Answer[int]{Result: 1, Outcome: Shared},
			Answer[int]{Result: 1}, Answer[int]{Result: 1, Outcome: Shared})
		want(t, "the flight under way", <-busy, 7, Led, nil)
	})
}

// Functions that take no time must not lead to one execution for each refresh.
func TestRefreshesCostTwoExecutions(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		executions := 0
		first := do(t.Context(), g, key, stores(1, ms))
		synctest.Wait()
		var all []<-chan answer
		for range 100 {
			all = append(all, refresh(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
				executions++
				f.SealStore()
				return 2, nil
			}))
		}
		want(t, "first", <-first, 1, Led, nil)
		for _, c := range all {
			if a := <-c; a.value != 2 || a.outcome == TurnedAway {
				t.Errorf("%+v", a)
			}
		}
		if executions != 1 {
			t.Errorf("%d executions", executions)
		}
	})
}

// A flight that Do began after the refresh came is none that the refresh may share.
func TestRefreshRunsARefresh(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		first := do(t.Context(), g, key, stores(1, ms))
		synctest.Wait()
		second := refresh(t.Context(), g, key, stores(2, ms))
		want(t, "first", <-first, 1, Led, nil)
		third := do(t.Context(), g, key, never(t))
		want(t, "refresh", <-second, 2, Led, nil)
		want(t, "third", <-third, 2, Shared, nil)
	})
}

func TestRefreshLeavesWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		first := do(t.Context(), g, key, stores(1, 2*ms))
		synctest.Wait()
		leaver := refresh(within(t, ms), g, key, never(t))
		a := <-leaver
		want(t, "leaver", a, 0, Led, context.DeadlineExceeded)
		wantAfter(t, "leaver", a, ms)
		checkInvariants(t, g)
		want(t, "first", <-first, 1, Led, nil)
	})
}

// The function of a refresh that has left while it waited is run for the callers that joined
// it.
func TestRefreshLeavesFollowers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		first := do(t.Context(), g, key, stores(1, 2*ms))
		synctest.Wait()
		leaver := refresh(within(t, ms), g, key, stores(2, ms))
		synctest.Wait()
		follower := refresh(t.Context(), g, key, never(t))
		want(t, "leaver", <-leaver, 0, Led, context.DeadlineExceeded)
		want(t, "first", <-first, 1, Led, nil)
		want(t, "follower", <-follower, 2, Shared, nil)
	})
}

// A refresh does not wait for a function that no caller waits for any more, nor for
// one that a write has overtaken.
func TestRefreshPassesFlightsOutOfTheWay(t *testing.T) {
	t.Run("left", func(t *testing.T) {
		bubble(t, func(t *testing.T, g *Group[int]) {
			first := do(within(t, 2*ms), g, key, stores(1, time.Hour))
			synctest.Wait()
			a := <-refresh(t.Context(), g, key, stores(2, ms))
			want(t, "refresh", a, 2, Led, nil)
			wantAfter(t, "refresh", a, 4*ms)
			want(t, "first", <-first, 0, Led, context.DeadlineExceeded)
		})
	})
	t.Run("written", func(t *testing.T) {
		bubble(t, func(t *testing.T, g *Group[int]) {
			first := do(t.Context(), g, key, stores(1, time.Hour))
			synctest.Wait()
			second := refresh(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
				time.Sleep(2 * ms)
				if f.SealStore() {
					t.Error("a flight that began during the write may store")
				}
				return 2, nil
			})
			synctest.Wait()
			w, _ := g.Fence(t.Context(), farOff(), key)
			third := refresh(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
				if !f.SealStore() {
					t.Error("a flight that began after the write may not store")
				}
				return 3, nil
			})
			synctest.Wait()
			checkInvariants(t, g)
			w.End()
			want(t, "third", <-third, 3, Led, nil)
			want(t, "second", <-second, 2, Led, nil)
			want(t, "first", <-first, 1, Led, nil)
		})
	})
}
