package flight

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// running returns what runs, by key.
func running(g *Group[int]) []Running {
	all := g.Running()
	slices.SortFunc(all, func(a, b Running) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

// What runs is told with its age, its callers and how far it is.
func TestRunning(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		began := time.Now()
		step := make(chan struct{})
		next := func() {
			step <- struct{}{}
			synctest.Wait()
		}
		done := do(t.Context(), g, "k", func(_ context.Context, f *Flight[int]) (int, error) {
			<-step
			f.Awaits(true)
			<-step
			f.Awaits(false)
			f.Waits(errors.New("others"))
			<-step
			f.Waits(nil)
			f.Begin()
			<-step
			f.SealStore()
			<-step
			return 1, nil
		})
		synctest.Wait()
		time.Sleep(ms)
		follower := do(t.Context(), g, "k", never(t))
		synctest.Wait()
		for _, phase := range []Phase{Asking, Awaiting, Queued, Making, Storing} {
			want := Running{Key: "k", Began: began, Waiting: 2, Callers: 2, Phase: phase}
			if got := running(g); len(got) != 1 || got[0] != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			next()
		}
		want(t, "leader", <-done, 1, Led, nil)
		<-follower
		if got := running(g); len(got) != 0 {
			t.Errorf("at the end: %+v", got)
		}
	})
}

// A function whose callers have left still runs; one without callers is waited for by none; of a
// batch, what has its result does not run any more.
func TestRunningWithoutCallers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		stuck := make(chan struct{})
		done := do(within(t, ms), g, "left", func(context.Context, *Flight[int]) (int, error) {
			<-stuck
			return 1, nil
		})
		<-done
		g.Start(t.Context(), []string{"back", "finished"}, func(_ context.Context, flights []*Flight[int]) error {
			flights[1].Finish(1, nil)
			<-stuck
			return nil
		})
		synctest.Wait()
		got := running(g)
		for i := range got {
			got[i].Began = time.Time{}
		}
		wanted := []Running{
			{Key: "back", Callers: 1, Refresh: true, Background: true, Phase: Asking},
			{Key: "left", Callers: 1, Phase: Abandoned},
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%+v, want %+v", got, wanted)
		}
		close(stuck)
	})
}
