package flight

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/stack"
)

// A Flight is one execution of a function, as the function sees it. Its methods
// are safe for concurrent use.
type Flight[R any] struct {
	state *keyState[R]
	exec  *execution[R]
	runs  bool // it starts exec when it begins; otherwise others do

	// Guarded by group.mu until resolved is set, constant afterwards: a caller that has seen
	// resolved set reads them without the lock.
	resolved atomic.Bool
	refused  bool  // the result was not validated
	panicked bool  // err is a *PanicError of the function
	seals    int32 // validating commands announced, and beginnings
	begun    int32 // seals at the last Begin: earlier callers may have the result in any case
	result   R
	err      error

	// Guarded by group.mu.
	done    chan struct{} // closed when the flight is resolved; made by the first that waits
	awaits  bool          // see Awaits
	waiting int32         // callers that wait now
	callers atomic.Int32  // that ever joined; written with group.mu held
	fenced  bool          // a write came, or nobody waits: the result may not be stored
	storing bool          // the store of the result was announced
	settled bool          // that store has been answered
	ceased  bool          // the function is not needed for this flight any more

	origin context.Context // guarded by group.mu, see SetOrigin
	stored chan struct{}   // closed then; made by the first write that waits
}

// lock locks the group, and returns what unlocks it.
func (f *Flight[R]) lock() *sync.Mutex {
	mu := &f.exec.group.mu
	mu.Lock()
	return mu
}

// flightKey finds, in a context, the execution in whose function it is used.
type flightKey[R any] struct{ group *Group[R] }

// parent returns the execution in whose function ctx is used, nil for none.
func (g *Group[R]) parent(ctx context.Context) *execution[R] {
	e, _ := ctx.Value(flightKey[R]{g}).(*execution[R])
	return e
}

// obtains reports whether a flight of e, or of one that e is nested in, is under way for key.
func (e *execution[R]) obtains(key string) bool {
	for ; e != nil; e = e.parent {
		for _, f := range e.flights {
			if f.state.key == key && !f.resolved.Load() {
				return true
			}
		}
	}
	return false
}

// An execution is one call of a function, for one flight or several. It is a context, too: the one
// of Flight.Detached.
type execution[R any] struct {
	context.Context // has the values of the first caller, and no end

	group   *Group[R]
	parent  *execution[R] // another one of the group, in whose function the context is used
	fn      BatchFunc[R]
	flights []*Flight[R]
	one     [1]*Flight[R] // backs flights
	began   time.Time     // when it was prepared

	refresh    bool // of Refresh or Start
	background bool // of Start: no caller waits from the start

	bounded   context.Context // the function's: ends with cancel
	cancel    context.CancelFunc
	needed    int                    // by how many flights, guarded by group.mu
	waits     error                  // what the function waits for, see Flight.Waits; guarded by group.mu
	onCancel  atomic.Pointer[func()] // see Flight.OnCancel
	cancelled atomic.Bool
}

// Value returns what the context has of a key.
func (e *execution[R]) Value(key any) any {
	if key == (flightKey[R]{e.group}) {
		return e
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

// A keyFlight is a flight and the state of its key, in one allocation.
type keyFlight[R any] struct {
	flight Flight[R]
	state  keyState[R]
}

// prepare returns the flight, for a key that has a state or, if s is nil, gets one. Called with
// g.mu held.
func (k *keyFlight[R]) prepare(g *Group[R], key string, s *keyState[R]) *Flight[R] {
	if s == nil {
		s = &k.state
		g.add(key, s)
	}
	f := &k.flight
	f.state, f.waiting = s, 1
	f.callers.Store(1)
	return f
}

// execution returns a call of fn, which ends the flights that are added to it; for n at most.
func (g *Group[R]) execution(
	ctx context.Context, parent *execution[R], n int, fn BatchFunc[R],
) *execution[R] {
	e := &execution[R]{
		Context: context.WithoutCancel(ctx), group: g, parent: parent, fn: fn, began: time.Now(),
	}
	if e.flights = e.one[:0]; n > 1 {
		e.flights = make([]*Flight[R], 0, n)
	}
	return e
}

// prepare makes the call ready for its flights, of which there are all.
func (e *execution[R]) prepare() {
	e.needed = len(e.flights)
	for _, f := range e.flights {
		f.exec = e
	}
	e.bounded, e.cancel = context.WithCancel(e)
}

// startsAlone has the flight start an execution for it alone when it begins.
func (f *Flight[R]) startsAlone(e *execution[R]) {
	f.runs = true
	e.flights = append(e.flights, f)
	e.prepare()
}

// start calls the function. Called with group.mu held.
func (e *execution[R]) start() {
	g := e.group
	if g.executions == nil {
		g.executions = make(map[*execution[R]]struct{})
	}
	g.executions[e] = struct{}{}
	g.running.Add(1)
	go e.run()
}

func (e *execution[R]) run() {
	defer e.group.running.Done()
	stack.Grow()
	e.execute()
}

func (e *execution[R]) execute() {
	g := e.group
	var none R
	var err error
	returned := false
	defer func() {
		if !returned {
			err = newPanicError(recover())
		}
		e.cancel()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.executions, e)
		for _, f := range e.flights {
			if !f.resolved.Load() {
				f.panicked = !returned
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
	if !f.resolved.Load() {
		var none R
		f.resolve(none, err)
		f.cease()
	}
}

// resolve ends the flight for its callers, once. Called with group.mu held.
func (f *Flight[R]) resolve(r R, err error) {
	f.result, f.err = r, err
	f.resolved.Store(true)
	if f.storing {
		f.exec.group.changes.add(f.state.key) // before a caller can lead the next flight
	}
	f.remove()
	if f.done != nil {
		close(f.done)
	}
}

// remove removes the flight from its key, so that no caller joins it. Called with group.mu held.
func (f *Flight[R]) remove() {
	s := f.state
	switch {
	case s.next == f:
		s.next = nil
	case s.flight == f:
		s.advance()
		f.exec.group.tidy(s)
	}
}
