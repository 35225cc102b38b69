package flight

import (
	"context"

	"github.com/asidecache/aside/internal/stack"
)

// A Flight is one execution of a function, as the function sees it. Its methods
// are safe for concurrent use.
type Flight[R any] struct {
	group  *Group[R]
	lane   *lane[R]
	parent *Flight[R] // one more flight of this group inside whose function fn's context is used
	trip   *trip
	run    func()        // calls the function and ends the flight; nil if another's does
	done   chan struct{} // closed when the flight is resolved

	refresh bool // brought by Refresh; set before the flight is admitted

	// Guarded by group.mu until resolved is set, constant afterwards: who has seen
	// done closed reads them without the lock.
	resolved bool
	seals    int  // validating commands announced, and beginnings
	begun    int  // seals at the last beginning: who came before may have the result in any case
	refused  bool // the result was not validated
	result   R
	err      error
	panicked *PanicError

	// Guarded by group.mu.
	waits   error         // for what the function waits, see Waits
	waiting int           // callers that wait now
	callers int           // callers that ever joined
	fenced  bool          // a write came, or nobody waits: the result may not be stored
	storing bool          // the store of the result was announced
	settled bool          // that store has been answered
	ceased  bool          // the function is not needed for this flight any more
	stored  chan struct{} // closed then; made by the first write that waits
}

// flightKey finds, in a context, the flight inside whose function it is used.
type flightKey[R any] struct{ group *Group[R] }

// parent returns the flight inside whose function ctx is used, nil for none.
func (g *Group[R]) parent(ctx context.Context) *Flight[R] {
	f, _ := ctx.Value(flightKey[R]{g}).(*Flight[R])
	return f
}

// obtains reports whether f, or one that it is nested in, is under way for key.
func (f *Flight[R]) obtains(key string) bool {
	for ; f != nil; f = f.parent {
		if f.lane.key == key && !f.ended() {
			return true
		}
	}
	return false
}

// A trip is one call of a function, for one flight or several.
type trip struct {
	cancel  context.CancelFunc
	flights int // that need the function; guarded by group.mu
}

func newFlight[R any](l *lane[R]) Flight[R] {
	return Flight[R]{group: l.group, lane: l, waiting: 1, callers: 1, done: make(chan struct{})}
}

// flight prepares a flight for the caller who brings fn.
func (g *Group[R]) flight(ctx context.Context, l *lane[R], parent *Flight[R], fn Func[R]) *Flight[R] {
	f := new(Flight[R])
	*f = newFlight(l)
	f.run = g.trip(ctx, parent, []*Flight[R]{f}, func(ctx context.Context, _ []*Flight[R]) error {
		r, err := fn(ctx, f)
		if err == nil {
			f.Finish(r, nil)
		}
		return err
	})
	return f
}

// trip returns what calls fn for the flights, and ends them.
func (g *Group[R]) trip(ctx context.Context, parent *Flight[R], flights []*Flight[R], fn BatchFunc[R]) (run func()) {
	t := &trip{flights: len(flights)}
	for _, f := range flights {
		f.trip = t
		f.parent, parent = parent, f // a chain: what is nested in one is nested in all
	}
	ctx = context.WithValue(context.WithoutCancel(ctx), flightKey[R]{g}, parent)
	ctx, t.cancel = context.WithCancel(ctx)
	return func() {
		stack.Grow()
		execute(ctx, g, flights, fn)
	}
}

// start begins the flight. Called with group.mu held.
func (f *Flight[R]) start() {
	g := f.group
	if g.flights == nil {
		g.flights = make(map[*Flight[R]]struct{})
	}
	g.flights[f] = struct{}{}
	if f.run != nil {
		g.running.Go(f.run)
	}
}

func execute[R any](ctx context.Context, g *Group[R], flights []*Flight[R], fn BatchFunc[R]) {
	var none R
	var err error
	var panicked *PanicError
	returned := false
	defer func() {
		if !returned {
			panicked = newPanicError(recover())
			err = panicked
		}
		flights[0].trip.cancel()
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, f := range flights {
			delete(g.flights, f)
			if !f.resolved {
				f.panicked = panicked
				f.resolve(none, err)
			}
			f.settle()
		}
	}()
	err = fn(ctx, flights)
	returned = true
}

// cease gives up the function for this flight. Called with group.mu held.
func (f *Flight[R]) cease() {
	if f.ceased {
		return
	}
	f.ceased = true
	if f.trip.flights--; f.trip.flights == 0 {
		f.trip.cancel()
	}
}

// fail ends the flight for its callers before its function does, unless it has
// ended. Called with group.mu held.
func (f *Flight[R]) fail(err error) {
	if !f.resolved {
		var none R
		f.resolve(none, err)
		f.cease()
	}
}

// resolve ends the flight for its callers, once. Called with group.mu held.
func (f *Flight[R]) resolve(r R, err error) {
	f.resolved, f.result, f.err = true, r, err
	if f.storing {
		f.group.changed(f.lane.key) // before anybody can lead the next flight
	}
	f.leaveLane()
	close(f.done)
}

// leaveLane makes the flight one that nobody joins. Called with group.mu held.
func (f *Flight[R]) leaveLane() {
	l := f.lane
	switch {
	case l.next == f:
		l.next = nil
	case l.flight == f:
		l.advance()
		l.tidy()
	}
}

func (f *Flight[R]) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}
