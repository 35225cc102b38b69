package flight

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/stack"
)

// A Flight is one execution of a function, as the function sees it. Its methods
// are safe for concurrent use.
type Flight[R any] struct {
	group  *Group[R]
	state  *keyState[R]
	parent *Flight[R] // another flight of this group, in whose function fn's context is used
	exec   *execution[R]
	runs   bool          // it starts exec when it begins; otherwise others do
	done   chan struct{} // closed when the flight is resolved
	alone  [1]*Flight[R] // backs the flights of an exec that is for this one

	// Set before the flight is admitted.
	began      time.Time
	refresh    bool // of Refresh or Start
	background bool // of Start: no caller waits from the start

	// Guarded by group.mu until resolved is set, constant afterwards: a caller that has seen
	// done closed reads them without the lock.
	resolved bool
	seals    int  // validating commands announced, and beginnings
	begun    int  // seals at the last Begin: earlier callers may have the result in any case
	refused  bool // the result was not validated
	result   R
	err      error
	panicked *PanicError

	// Guarded by group.mu.
	waits   error // what the function waits for, see Waits
	awaits  bool  // see Awaits
	waiting int   // callers that wait now
	callers int   // callers that ever joined
	fenced  bool  // a write came, or nobody waits: the result may not be stored
	storing bool  // the store of the result was announced
	settled bool  // that store has been answered
	ceased  bool  // the function is not needed for this flight any more

	origin context.Context // guarded by group.mu, see SetOrigin
	stored chan struct{}   // closed then; made by the first write that waits
}

// flightKey finds, in a context, the flight in whose function it is used.
type flightKey[R any] struct{ group *Group[R] }

// parent returns the flight in whose function ctx is used, nil for none.
func (g *Group[R]) parent(ctx context.Context) *Flight[R] {
	f, _ := ctx.Value(flightKey[R]{g}).(*Flight[R])
	return f
}

// obtains reports whether f, or one that it is nested in, is under way for key.
func (f *Flight[R]) obtains(key string) bool {
	for ; f != nil; f = f.parent {
		if f.state.key == key && !f.ended() {
			return true
		}
	}
	return false
}

// An execution is one call of a function, for one flight or several. It is a context, too: the one
// of Flight.Detached.
type execution[R any] struct {
	context.Context // has the values of the first caller, and no end

	group     *Group[R]
	fn        BatchFunc[R]
	flights   []*Flight[R]
	innermost *Flight[R] // what flightKey finds

	bounded   context.Context // the function's: ends with cancel
	cancel    context.CancelFunc
	needed    int                    // by how many flights, guarded by group.mu
	onCancel  atomic.Pointer[func()] // see Flight.OnCancel
	cancelled atomic.Bool
}

// Value returns what the context has of a key.
func (e *execution[R]) Value(key any) any {
	if key == (flightKey[R]{e.group}) {
		return e.innermost
	}
	return e.Context.Value(key)
}

// Detached returns a context like that of the function, but without an end.
func (f *Flight[R]) Detached() context.Context { return f.exec }

// OnCancel has do called, once and on a goroutine of its own, when the function is cancelled
// before it has ended, or at once if it was; nil for nothing any more. It is what
// context.AfterFunc does, for one function and less.
func (f *Flight[R]) OnCancel(do *func()) {
	f.exec.onCancel.Store(do)
	if do != nil && f.exec.cancelled.Load() {
		f.exec.callOnCancel()
	}
}

// stop cancels the function.
func (e *execution[R]) stop() {
	e.cancel()
	e.cancelled.Store(true)
	e.callOnCancel()
}

func (e *execution[R]) callOnCancel() {
	if do := e.onCancel.Swap(nil); do != nil {
		go (*do)()
	}
}

func newFlight[R any](s *keyState[R], now time.Time) Flight[R] {
	return Flight[R]{
		group: s.group, state: s, began: now, waiting: 1, callers: 1, done: make(chan struct{}),
	}
}

// flight prepares a flight of fn.
func (g *Group[R]) flight(
	ctx context.Context, s *keyState[R], parent *Flight[R], fn Func[R],
) *Flight[R] {
	f := new(Flight[R])
	*f = newFlight(s, time.Now())
	f.startsAlone(ctx, parent, func(ctx context.Context, _ []*Flight[R]) error {
		r, err := fn(ctx, f)
		if err == nil {
			f.Finish(r, nil)
		}
		return err
	})
	return f
}

// startsAlone has the flight start an execution of its own when it begins.
func (f *Flight[R]) startsAlone(ctx context.Context, parent *Flight[R], fn BatchFunc[R]) {
	f.alone[0], f.runs = f, true
	f.group.execution(ctx, parent, f.alone[:], fn)
}

// execution prepares a call of fn for the flights, which ends them.
func (g *Group[R]) execution(
	ctx context.Context, parent *Flight[R], flights []*Flight[R], fn BatchFunc[R],
) *execution[R] {
	e := &execution[R]{
		Context: context.WithoutCancel(ctx), group: g, fn: fn, flights: flights, needed: len(flights),
	}
	for _, f := range flights {
		f.exec = e
		f.parent, parent = parent, f // a chain: what is nested in one is nested in all
	}
	e.innermost = parent
	e.bounded, e.cancel = context.WithCancel(e)
	return e
}

// start calls the function. Called with group.mu held.
func (e *execution[R]) start() {
	e.group.running.Add(1)
	go e.run()
}

func (e *execution[R]) run() {
	defer e.group.running.Done()
	stack.Grow()
	e.execute()
}

// start begins the flight. Called with group.mu held.
func (f *Flight[R]) start() {
	g := f.group
	if g.flights == nil {
		g.flights = make(map[*Flight[R]]struct{})
	}
	g.flights[f] = struct{}{}
	if f.runs {
		f.exec.start()
	}
}

func (e *execution[R]) execute() {
	g := e.group
	var none R
	var err error
	var panicked *PanicError
	returned := false
	defer func() {
		if !returned {
			panicked = newPanicError(recover())
			err = panicked
		}
		e.cancel()
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, f := range e.flights {
			delete(g.flights, f)
			if !f.resolved {
				f.panicked = panicked
				f.resolve(none, err)
			}
			f.settle()
		}
	}()
	err = e.fn(e.bounded, e.flights)
	returned = true
}

// cease says that this flight does not need the function any more. Called with group.mu held.
func (f *Flight[R]) cease() {
	if f.ceased {
		return
	}
	f.ceased = true
	if f.exec.needed--; f.exec.needed == 0 {
		f.exec.stop()
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
		f.group.changed(f.state.key) // before a caller can lead the next flight
	}
	f.remove()
	close(f.done)
}

// remove removes the flight from its key, so that no caller joins it. Called with group.mu held.
func (f *Flight[R]) remove() {
	s := f.state
	switch {
	case s.next == f:
		s.next = nil
	case s.flight == f:
		s.advance()
		s.tidy()
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
