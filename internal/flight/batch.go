package flight

import (
	"context"
	"time"
)

// A BatchFunc obtains the results of several flights. It finishes each as soon as it has
// its result; what is then still under way ends with the error that it returns.
type BatchFunc[R any] func(ctx context.Context, flights []*Flight[R]) error

// An Answer is what Do returns, for one key of a batch.
type Answer[R any] struct {
	Result  R
	Outcome Outcome
	Err     error
}

// Join is Do for many keys, or Refresh with refresh, but for the wait. The keys that have no
// flight yet are obtained by one call of fn, whose flights are in the order of the keys; a key
// whose flight begins when the one under way is over, by a call of its own. So batches that
// overlap, in whatever order, wait for each other's results, but no function waits for
// another. A key that is given twice has one flight. After an error there are no tickets to
// collect.
//
// The function is cancelled when no caller waits for any of its flights any more.
func (g *Group[R]) Join(
	ctx context.Context, keys []string, refresh bool, fn BatchFunc[R],
) (Tickets[R], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tickets := make(Tickets[R], len(keys))
	parent := g.parent(ctx)
	var fresh []Flight[R]
	var led []*Flight[R]
	var now time.Time
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	for i, key := range keys {
		if parent.obtains(key) {
			continue
		}
		s := g.state(key)
		f, later := s.flight, false
		if refresh && f != nil && f.exec != nil { // not of this very call
			f, later = s.next, true
		}
		if f != nil {
			tickets[i] = ticket[R]{flight: f, joined: f.join()}
			continue
		}
		if fresh == nil {
			fresh, now = make([]Flight[R], 0, len(keys)-i), time.Now()
		}
		fresh = append(fresh, newFlight(s, now))
		f = &fresh[len(fresh)-1]
		f.refresh = refresh
		switch {
		case later:
			f.startsAlone(ctx, parent, fn)
		case led == nil && len(keys) == 1:
			led = append(f.alone[:0], f)
		default:
			led = append(led, f)
		}
		s.admit(f)
		tickets[i] = ticket[R]{flight: f, leads: true}
	}
	if len(led) > 0 {
		g.execution(ctx, parent, led, fn).start()
	}
	return tickets, nil
}

// Start begins flights that no caller waits for, of the keys that have none and no write under
// way, and returns the other keys. They are obtained by one call of fn, whose flights are in the
// order of the keys; keys are different. Callers may join. Nothing but Close cancels the function
// before its flights have ended.
//
// ctx may be used in the function of another flight, which does not wait for these.
func (g *Group[R]) Start(ctx context.Context, keys []string, fn BatchFunc[R]) (rest []string) {
	fresh := make([]Flight[R], 0, len(keys))
	led := make([]*Flight[R], 0, len(keys))
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return keys
	}
	for _, key := range keys {
		if g.keys[key] != nil {
			rest = append(rest, key)
			continue
		}
		s := g.state(key)
		fresh = append(fresh, newFlight(s, now))
		f := &fresh[len(fresh)-1]
		f.refresh, f.background = true, true
		led = append(led, f)
		s.admit(f)
	}
	if len(led) > 0 {
		g.execution(ctx, nil, led, fn).start()
	}
	return rest
}

// Tickets are what one caller has of flights that it joined, one for each key.
type Tickets[R any] []ticket[R]

type ticket[R any] struct {
	flight *Flight[R] // nil: the caller is the function that obtains the key
	joined int        // after so many seals
	leads  bool
	left   bool
}

// Collect waits for what becomes of the key with this index. When ctx ends, it leaves the
// flight. A panic of the function of this caller is repeated.
func (t Tickets[R]) Collect(ctx context.Context, i int) Answer[R] { return t[i].wait(ctx) }

func (t *ticket[R]) wait(ctx context.Context) (a Answer[R]) {
	if t.flight == nil {
		return Answer[R]{Err: ErrReentrant}
	}
	t.left = true
	if t.leads {
		a.Result, a.Err = t.flight.lead(ctx)
	} else {
		a.Result, a.Outcome, a.Err = t.flight.follow(ctx, t.joined)
	}
	return a
}

// Origin returns the context in which the result of the key with this index is made, or was. It
// returns nil if that has not begun, or this caller leads the flight.
func (t Tickets[R]) Origin(i int) context.Context {
	f := t[i].flight
	if f == nil || t[i].leads {
		return nil
	}
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	return f.origin
}

// Leave gives up the flights that have not been waited for.
func (t Tickets[R]) Leave() {
	for i := range t {
		if f := t[i].flight; f != nil && !t[i].left {
			t[i].left = true
			f.leave()
		}
	}
}

// Finish ends the flight with its result, or an error, before the function ends.
func (f *Flight[R]) Finish(r R, err error) {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if !f.resolved {
		f.resolve(r, err)
		f.cease()
	}
	f.settle()
}

// Key returns the key of the flight.
func (f *Flight[R]) Key() string { return f.state.key }
