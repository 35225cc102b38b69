package flight

import "context"

// A BatchFunc obtains the results of several flights. It lands each as soon as it has
// its result; what is then still under way ends with the error that it returns.
type BatchFunc[R any] func(ctx context.Context, flights []*Flight[R]) error

// An Answer is what Do returns, for one key of a batch.
type Answer[R any] struct {
	Result  R
	Outcome Outcome
	Err     error
}

// DoMany is Do for many keys, each of which is there once. The keys that have no flight
// yet are obtained by one call of fn, whose flights are in the order of the keys; the
// others' flights are waited for meanwhile. So batches that overlap, in whatever order,
// wait for each other's results, but no function waits for another.
//
// The function is cancelled when nobody waits for any of its flights any more. When it
// panics, that is repeated here.
func (g *Group[R]) DoMany(ctx context.Context, keys []string, fn BatchFunc[R]) []Answer[R] {
	answers := make([]Answer[R], len(keys))
	if err := ctx.Err(); err != nil {
		return failed(answers, err)
	}
	seats := make([]seat[R], len(keys))
	parent := g.parent(ctx)
	var led []*Flight[R]

	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return failed(answers, ErrClosed)
	}
	for i, key := range keys {
		if parent.obtains(key) {
			answers[i].Err = ErrReentrant
			continue
		}
		l := g.lane(key)
		if l.flight != nil {
			seats[i] = seat[R]{flight: l.flight, seals: l.flight.join()}
			continue
		}
		f := newFlight(l)
		seats[i] = seat[R]{flight: f, leads: true}
		led = append(led, f)
	}
	g.board(ctx, parent, led, fn)
	g.mu.Unlock()
	return wait(ctx, seats, answers)
}

func failed[R any](answers []Answer[R], err error) []Answer[R] {
	for i := range answers {
		answers[i].Err = err
	}
	return answers
}

// A seat is a caller's place in a flight.
type seat[R any] struct {
	flight *Flight[R] // nil: none
	seals  int        // that the caller came after
	leads  bool
}

// board begins flights that have one function. Called with group.mu held.
func (g *Group[R]) board(ctx context.Context, parent *Flight[R], flights []*Flight[R], fn BatchFunc[R]) {
	if len(flights) == 0 {
		return
	}
	for _, f := range flights { // a chain: what is nested in one is nested in all
		f.parent, parent = parent, f
	}
	run := g.trip(ctx, flights, func(ctx context.Context) (none R, err error) { return none, fn(ctx, flights) })
	for _, f := range flights {
		f.lane.admit(f)
	}
	g.running.Go(run)
}

// wait returns what has become of each seat. When ctx ends, the caller leaves all that
// are still under way.
func wait[R any](ctx context.Context, seats []seat[R], answers []Answer[R]) []Answer[R] {
	var panicked *PanicError
	for i, s := range seats {
		a := &answers[i]
		switch {
		case s.flight == nil:
		case s.leads:
			a.Err = s.flight.wait(ctx)
			if a.Err == nil {
				a.Result, a.Err = s.flight.result, s.flight.err
				panicked = s.flight.panicked
			}
		default:
			a.Result, a.Outcome, a.Err = s.flight.follow(ctx, s.seals)
		}
		if panicked != nil {
			leave(seats[i+1:])
			panicked.repeat()
		}
	}
	return answers
}

// leave is called for a caller that does not wait for any of the seats.
func leave[R any](seats []seat[R]) {
	for _, s := range seats {
		if s.flight != nil && !s.flight.ended() {
			s.flight.leave()
		}
	}
}

// Land ends the flight with its result, or an error, before the function ends.
func (f *Flight[R]) Land(r R, err error) {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if !f.resolved {
		f.resolve(r, err)
		f.cease()
	}
	f.settle()
}

// Key returns the key of the flight.
func (f *Flight[R]) Key() string { return f.lane.key }
