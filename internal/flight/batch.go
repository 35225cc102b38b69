package flight

import "context"

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
	var room []keyFlight[R] // for the keys that are still to come
	var led *execution[R]
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	for i, key := range keys {
		if parent.obtains(key) {
			continue
		}
		s := g.keys[key]
		f, later := s.joinable(refresh)
		if f != nil {
			tickets[i] = ticket[R]{flight: f, joined: f.join()}
			continue
		}
		if len(room) == 0 {
			room = make([]keyFlight[R], len(keys)-i)
		}
		f, room = room[0].prepare(g, key, s), room[1:]
		if later {
			e := g.execution(ctx, parent, 1, fn)
			e.refresh = refresh
			f.startsAlone(e)
		} else {
			if led == nil {
				led = g.execution(ctx, parent, len(keys)-i, fn)
				led.refresh = refresh
			}
			led.flights = append(led.flights, f)
		}
		f.state.admit(f)
		tickets[i] = ticket[R]{flight: f, leads: true}
	}
	if led != nil {
		led.prepare()
		led.start()
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
	led := g.execution(ctx, nil, len(keys), fn)
	led.refresh, led.background = true, true
	room := make([]keyFlight[R], len(keys))
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
		f := room[len(led.flights)].prepare(g, key, nil)
		led.flights = append(led.flights, f)
		f.state.admit(f)
	}
	if len(led.flights) > 0 {
		led.prepare()
		led.start()
	}
	return rest
}

// Tickets are what one caller has of flights that it joined, one for each key.
type Tickets[R any] []ticket[R]

type ticket[R any] struct {
	flight *Flight[R] // nil: the caller is the function that obtains the key
	joined int32      // after so many seals
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
	defer f.lock().Unlock()
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
	defer f.lock().Unlock()
	if !f.resolved.Load() {
		f.cease() // first, so that callers see the context of the function ended
		f.resolve(r, err)
	}
	f.settle()
}

// Key returns the key of the flight.
func (f *Flight[R]) Key() string { return f.state.key }
