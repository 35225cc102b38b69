package flight

import "context"

// A Flight is one execution of a function, as the function sees it. Its methods
// are safe for concurrent use.
type Flight[R any] struct {
	group  *Group[R]
	lane   *lane[R]
	parent *Flight[R] // the flight of this group inside whose function it was brought
	run    func()     // calls the function and ends the flight
	cancel context.CancelFunc
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
	waiting int           // callers that wait now
	callers int           // callers that ever joined
	fenced  bool          // a write came, or nobody waits: the result may not be stored
	storing bool          // the store of the result was announced
	settled bool          // that store has been answered
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

// flight prepares a flight for the caller who brings fn.
func (g *Group[R]) flight(ctx context.Context, l *lane[R], parent *Flight[R], fn Func[R]) *Flight[R] {
	f := &Flight[R]{group: g, lane: l, parent: parent, waiting: 1, callers: 1, done: make(chan struct{})}
	ctx = context.WithValue(context.WithoutCancel(ctx), flightKey[R]{g}, f)
	ctx, f.cancel = context.WithCancel(ctx)
	f.run = func() { f.execute(ctx, fn) }
	return f
}

// start begins the execution. Called with group.mu held.
func (f *Flight[R]) start() {
	g := f.group
	if g.flights == nil {
		g.flights = make(map[*Flight[R]]struct{})
	}
	g.flights[f] = struct{}{}
	g.running.Go(f.run)
}

func (f *Flight[R]) execute(ctx context.Context, fn Func[R]) {
	var r R
	var err error
	var panicked *PanicError
	returned := false
	defer func() {
		if !returned {
			panicked = newPanicError(recover())
			err = panicked
		}
		f.cancel()
		f.group.mu.Lock()
		defer f.group.mu.Unlock()
		delete(f.group.flights, f)
		if !f.resolved {
			f.panicked = panicked
			f.resolve(r, err)
		}
		f.settle()
	}()
	r, err = fn(ctx, f)
	returned = true
}

// fail ends the flight for its callers before its function does, unless it has
// ended. Called with group.mu held.
func (f *Flight[R]) fail(err error) {
	if !f.resolved {
		var none R
		f.resolve(none, err)
		f.cancel()
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
