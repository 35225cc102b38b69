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

// JoinMany is Do for many keys, but for the wait. The keys that have no flight yet are
// obtained by one call of fn, whose flights are in the order of the keys. So batches that
// overlap, in whatever order, wait for each other's results, but no function waits for
// another. After an error there are no seats to wait for.
//
// The function is cancelled when nobody waits for any of its flights any more.
func (g *Group[R]) JoinMany(ctx context.Context, keys []string, fn BatchFunc[R]) (Seats[R], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	seats := make(Seats[R], len(keys))
	parent := g.parent(ctx)
	var fresh []Flight[R]
	var led []*Flight[R]
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	for i, key := range keys {
		if parent.obtains(key) {
			continue
		}
		l := g.lane(key)
		if f := l.flight; f != nil {
			seats[i] = seat[R]{flight: f, joined: f.join()}
			continue
		}
		if fresh == nil {
			fresh = make([]Flight[R], 0, len(keys)-i)
		}
		fresh = append(fresh, newFlight(l))
		f := &fresh[len(fresh)-1]
		l.admit(f)
		seats[i] = seat[R]{flight: f, leads: true}
		led = append(led, f)
	}
	if len(led) > 0 {
		g.running.Go(g.trip(ctx, parent, led, func(ctx context.Context) (none R, err error) { return none, fn(ctx, led) }))
	}
	return seats, nil
}

// Seats are the places of one caller in the flights of many keys.
type Seats[R any] []seat[R]

type seat[R any] struct {
	flight *Flight[R] // nil: the key is being obtained by who asks for it
	joined int        // after so many seals
	leads  bool
	left   bool
}

// Wait returns what has become of each key. When ctx ends, it leaves all flights that are
// still under way. A panic of the function that this caller has brought is repeated.
func (s Seats[R]) Wait(ctx context.Context) []Answer[R] {
	defer s.Leave()
	answers := make([]Answer[R], len(s))
	for i := range s {
		answers[i] = s[i].wait(ctx)
	}
	return answers
}

func (s *seat[R]) wait(ctx context.Context) (a Answer[R]) {
	if s.flight == nil {
		return Answer[R]{Err: ErrReentrant}
	}
	s.left = true
	if s.leads {
		a.Result, a.Err = s.flight.lead(ctx)
	} else {
		a.Result, a.Outcome, a.Err = s.flight.follow(ctx, s.joined)
	}
	return a
}

// Leave gives up the flights that have not been waited for.
func (s Seats[R]) Leave() {
	for i := range s {
		if f := s[i].flight; f != nil && !s[i].left {
			s[i].left = true
			f.leave()
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
