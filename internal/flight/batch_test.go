package flight

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// many starts a call for many keys and returns its answers.
func many(ctx context.Context, g *Group[int], keys []string, fn BatchFunc[int]) <-chan []Answer[int] {
	c := make(chan []Answer[int], 1)
	go func() {
		var answers []Answer[int]
		defer func() {
			_ = recover()
			c <- answers
		}()
		tickets, err := g.Join(ctx, keys, false, fn)
		if err != nil {
			answers = []Answer[int]{{Err: err}}
			return
		}
		answers = collect(ctx, tickets)
	}()
	synctest.Wait()
	return c
}

// collect waits for what becomes of all keys.
func collect(ctx context.Context, tickets Tickets[int]) (answers []Answer[int]) {
	defer tickets.Leave()
	for i := range tickets {
		answers = append(answers, tickets.Collect(ctx, i))
	}
	return answers
}

// finishing finishes each flight with its number, one every ms.
func finishing(ctx context.Context, flights []*Flight[int]) error {
	for i, f := range flights {
		f.Begin()
		time.Sleep(ms)
		f.Finish(i+1, nil)
	}
	return nil
}

func wantAnswers(t *testing.T, what string, got []Answer[int], wanted ...Answer[int]) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: %+v, want %+v", what, got, wanted)
	}
}

// Flights of one function end one by one, and are shared like those of one key.
func TestJoinMany(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		single := do(t.Context(), g, "b", stores(7, 2*ms))
		synctest.Wait()
		first := many(t.Context(), g, []string{"a", "b", "c", "a"}, finishing)
		second := many(t.Context(), g, []string{"c", "d", "a"}, finishing)
		third := do(t.Context(), g, "c", never(t))
		began := time.Now()
		want(t, "follower of c", <-third, 2, Shared, nil)
		if took := time.Since(began); took != 2*ms {
			t.Errorf("it waited %v", took)
		}
		want(t, "b", <-single, 7, Led, nil)
		wantAnswers(t, "first", <-first, Answer[int]{Result: 1}, Answer[int]{Result: 7, Outcome: Shared}, Answer[int]{Result: 2}, Answer[int]{Result: 1, Outcome: Shared})
		wantAnswers(t, "second", <-second, Answer[int]{Result: 2, Outcome: Shared}, Answer[int]{Result: 1}, Answer[int]{Outcome: TurnedAway})
	})
}

// What the function does not finish ends with its error, or its panic.
func TestJoinManyErrors(t *testing.T) {
	failure := errors.New("failed")
	bubble(t, func(t *testing.T, g *Group[int]) {
		some := func(_ context.Context, flights []*Flight[int]) error {
			flights[1].Finish(2, nil)
			return failure
		}
		wantAnswers(t, "error", <-many(t.Context(), g, []string{"a", "b"}, some), Answer[int]{Err: failure}, Answer[int]{Result: 2})

		batch := many(t.Context(), g, []string{"a", "b"}, func(_ context.Context, flights []*Flight[int]) error {
			flights[0].Finish(1, nil)
			time.Sleep(ms)
			panic("boom")
		})
		follower := do(t.Context(), g, "b", never(t))
		if got := <-batch; got != nil {
			t.Errorf("the caller of a function that panics gets %+v", got)
		}
		var panicked *PanicError
		if a := <-follower; !errors.As(a.err, &panicked) {
			t.Errorf("the follower gets %+v", a)
		}
		// A caller that leaves by a panic waits for nothing any more.
		other := do(within(t, 5*ms), g, "x", stores(1, time.Hour))
		synctest.Wait()
		<-many(t.Context(), g, []string{"a", "x"}, func(context.Context, []*Flight[int]) error { panic("boom") })
		want(t, "leader", <-other, 0, Led, context.DeadlineExceeded)
	})
}

// The function is cancelled when nobody waits for any of its flights.
func TestJoinManyLeavers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		began := time.Now()
		var cancelled time.Duration
		patient := func(ctx context.Context, flights []*Flight[int]) error {
			flights[0].Finish(1, nil)
			<-ctx.Done()
			cancelled = time.Since(began)
			return ctx.Err()
		}
		batch := many(within(t, 2*ms), g, []string{"a", "b", "c"}, patient)
		follower := do(within(t, 5*ms), g, "c", never(t))
		late := Answer[int]{Err: context.DeadlineExceeded}
		wantAnswers(t, "batch", <-batch, Answer[int]{Result: 1}, late, late)
		want(t, "follower", <-follower, 0, Shared, context.DeadlineExceeded)
		synctest.Wait()
		if cancelled != 5*ms {
			t.Errorf("the function was cancelled after %v", cancelled)
		}
		tickets, err := g.Join(t.Context(), []string{"a", "b"}, false, patient)
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		time.Sleep(ms)
		tickets.Leave()
		synctest.Wait()
		if cancelled != ms {
			t.Errorf("the function was cancelled after %v, want when the tickets were given up", cancelled)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.Join(ended, []string{"a"}, false, patient); err != context.Canceled {
			t.Errorf("error %v", err)
		}
	})
}

// A write is for its own key alone.
func TestJoinManyFence(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		batch := many(t.Context(), g, []string{"a", "b"}, func(_ context.Context, flights []*Flight[int]) error {
			time.Sleep(ms)
			if flights[0].SealStore() || !flights[1].SealStore() {
				t.Error("the write of a has not fenced a, or has fenced b")
			}
			time.Sleep(ms)
			flights[1].Finish(2, nil) // also settles the store
			time.Sleep(ms)
			return nil
		})
		_, a := fence(t.Context(), g, "a")
		synctest.Wait()
		a.End()
		time.Sleep(ms + ms/2)
		began := time.Now()
		stored, b := fence(t.Context(), g, "b")
		<-stored
		if took := time.Since(began); took != ms/2 {
			t.Errorf("a write of b waited %v for the store of b", took)
		}
		b.End()
		wantAnswers(t, "batch", <-batch, Answer[int]{}, Answer[int]{Result: 2})
	})
}

func TestJoinManyReentrantAndClosed(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		got := <-many(t.Context(), g, []string{"a", "b"}, func(ctx context.Context, flights []*Flight[int]) error {
			for _, key := range []string{"a", "b"} {
				if !g.Obtaining(ctx, key) || flights[0].Key() != "a" {
					t.Errorf("it is not known that %q is being obtained", key)
				}
			}
			tickets, err := g.Join(ctx, []string{"b", "c"}, false, finishing)
			if err != nil {
				return err
			}
			wantAnswers(t, "nested", collect(ctx, tickets), Answer[int]{Err: ErrReentrant}, Answer[int]{Result: 1})
			return nil
		})
		wantAnswers(t, "outer", got, Answer[int]{}, Answer[int]{})

		batch := many(t.Context(), g, []string{"a", "b"}, func(ctx context.Context, flights []*Flight[int]) error {
			<-ctx.Done()
			return nil
		})
		g.Close()
		closed := Answer[int]{Err: ErrClosed}
		wantAnswers(t, "batch", <-batch, closed, closed)
		wantAnswers(t, "afterwards", <-many(t.Context(), g, []string{"a"}, finishing), closed)
	})
}
