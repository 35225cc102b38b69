package flight

import (
	"context"
	"errors"
	"sync"
)

// Errors of Do and Refresh beside those of the function and of contexts.
var (
	ErrClosed    = errors.New("flight: the group is closed")
	ErrReentrant = errors.New("flight: the function waits for the key that it is itself obtaining")
)

// A Func obtains the result of one flight. ctx has the values of the first caller and ends
// when no caller waits for the flight any more.
type Func[R any] func(ctx context.Context, f *Flight[R]) (R, error)

// An Outcome says what a result means to the caller that gets it.
type Outcome uint8

const (
	Led        Outcome = iota // the result of this caller's own function
	Shared                    // the result of another caller's function
	TurnedAway                // no result: it may be older than this call, look again
)

// A Group holds the flights of a set of keys. The zero Group is ready for use
// and safe for concurrent use.
type Group[R any] struct {
	mu      sync.Mutex
	keys    map[string]*keyState[R] // that have a flight or a write under way
	closed  bool
	changes changes

	executions map[*execution[R]]struct{} // whose functions run
	running    sync.WaitGroup             // those
}

// Do returns the result of fn, or of the flight for key that is already under
// way. It returns at once with ctx.Err() when ctx ends; the flight goes on for
// the others.
//
// TurnedAway comes with a nil error and no result. An error of fn is for all callers that
// joined. A panic in fn, or runtime.Goexit, is repeated in the caller whose function it was;
// all others get a *PanicError.
//
// A function that calls Do with its own ctx, for its own key or for that of a
// flight it is nested in, gets ErrReentrant. Two functions that wait for each
// other's keys are not detected.
func (g *Group[R]) Do(ctx context.Context, key string, fn Func[R]) (R, Outcome, error) {
	return g.do(ctx, key, fn, false)
}

// Refresh is Do, but never shares a flight that began before the call, nor one
// that Do began: it waits for the end of that one, or a write that moves it out of
// the way. All refreshes that are called during one flight share the next.
func (g *Group[R]) Refresh(ctx context.Context, key string, fn Func[R]) (R, Outcome, error) {
	return g.do(ctx, key, fn, true)
}

func (g *Group[R]) do(ctx context.Context, key string, fn Func[R], refresh bool) (R, Outcome, error) {
	var none R
	parent := g.parent(ctx)
	if parent.obtains(key) {
		return none, Led, ErrReentrant
	}
	if err := ctx.Err(); err != nil {
		return none, Led, err
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return none, Led, ErrClosed
	}
	s := g.keys[key]
	f, _ := s.joinable(refresh)
	if f != nil {
		joined := f.join()
		g.mu.Unlock()
		return f.follow(ctx, joined)
	}
	f = new(keyFlight[R]).prepare(g, key, s)
	e := g.execution(ctx, parent, 1, f.only(fn))
	e.refresh = refresh
	f.startsAlone(e)
	f.state.admit(f)
	g.mu.Unlock()
	r, err := f.lead(ctx)
	return r, Led, err
}

// only is fn for the one flight of an execution.
func (f *Flight[R]) only(fn Func[R]) BatchFunc[R] {
	return func(ctx context.Context, _ []*Flight[R]) error {
		r, err := fn(ctx, f)
		if err == nil {
			f.Finish(r, nil)
		}
		return err
	}
}

// Obtaining reports whether ctx is used in the function of a flight for key, or of one that
// is nested in such a flight.
func (g *Group[R]) Obtaining(ctx context.Context, key string) bool {
	return g.parent(ctx).obtains(key)
}

// Nested reports whether ctx is used in the function of a flight, so that Obtaining may be true.
func (g *Group[R]) Nested(ctx context.Context) bool { return g.parent(ctx) != nil }

// Outside returns a context for a function that the one in which ctx is used does not wait for.
func (g *Group[R]) Outside(ctx context.Context) context.Context {
	if !g.Nested(ctx) {
		return ctx
	}
	return context.WithValue(ctx, flightKey[R]{g}, (*execution[R])(nil))
}

// Close fails all flights with ErrClosed, cancels their functions and returns
// when the last of them has returned. A flight whose result is being stored is not
// disturbed. No function may call Close: it would wait for itself.
func (g *Group[R]) Close() {
	g.mu.Lock()
	g.closed = true
	for _, s := range g.keys {
		if s.next != nil {
			s.next.fail(ErrClosed)
		}
	}
	for e := range g.executions {
		for _, f := range e.flights {
			if !f.storing {
				f.fail(ErrClosed)
			}
		}
	}
	g.mu.Unlock()
	g.running.Wait()
}

// UnderWay reports whether there is a flight for key that a caller could join.
func (g *Group[R]) UnderWay(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.keys[key]
	return s != nil && s.flight != nil
}

// Refreshing reports whether that flight is one of Refresh.
func (g *Group[R]) Refreshing(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.keys[key]
	return s != nil && s.flight != nil && s.flight.exec.refresh
}
