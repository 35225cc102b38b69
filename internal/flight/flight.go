package flight

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Errors of Do and Refresh beside those of the function and of contexts.
var (
	ErrClosed    = errors.New("flight: the group is closed")
	ErrReentrant = errors.New("flight: the function waits for the key that it is itself obtaining")
)

// A Func obtains the result of one flight. ctx carries the values of the first
// caller and ends when nobody waits for the flight any more.
type Func[R any] func(ctx context.Context, f *Flight[R]) (R, error)

// An Outcome says what a result means to the caller who gets it.
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
	lanes   map[string]*lane[R] // keys with a flight or a write under way
	flights map[*Flight[R]]struct{}
	clock   uint64 // orders arrivals and flights
	closed  bool
	running sync.WaitGroup
	changes [256]atomic.Uint64 // see Changes
}

// A lane is what goes on about one key. It is guarded by Group.mu and gone when
// it is idle.
type lane[R any] struct {
	flight  *Flight[R]   // the one that callers join
	storing []*Flight[R] // store announced, not yet ended: a write waits for them
	writes  int          // writes under way
}

func (l *lane[R]) idle() bool {
	return l.flight == nil && len(l.storing) == 0 && l.writes == 0
}

// A Flight is one execution of a function, as the function sees it.
type Flight[R any] struct {
	group  *Group[R]
	parent *Flight[R] // the flight of this group inside whose function it was started
	key    string
	began  uint64
	cancel context.CancelFunc
	done   chan struct{} // closed when the flight is resolved
	stored chan struct{} // closed when a store that was announced has been answered

	// Guarded by group.mu until done is closed, constant afterwards.
	waiting  int  // callers that wait now
	callers  int  // callers that ever joined
	seals    int  // validating commands announced
	fenced   bool // a write came, or nobody waits: the result may not be stored
	storing  bool // the store of the result was announced
	refused  bool // the result was not validated: it is the leader's alone
	resolved bool
	result   R
	err      error
	panicked *PanicError
}

// parentKey finds, in a context, the flight inside whose function it is used.
type parentKey[R any] struct{ group *Group[R] }

// Do returns the result of fn, or of the flight for key that is already under
// way. It returns at once with ctx.Err() when ctx ends; the flight goes on for
// the others.
//
// TurnedAway comes with a nil error and no result. An error of fn is for all who
// joined. A panic in fn, or runtime.Goexit, is repeated in the caller who brought
// fn; all others get a *PanicError.
func (g *Group[R]) Do(ctx context.Context, key string, fn Func[R]) (R, Outcome, error) {
	return g.do(ctx, key, fn, false)
}

// Refresh is Do, but never shares a flight that began before the call: it waits
// for the end of that one first. Any number of concurrent refreshes therefore
// costs two executions at most.
func (g *Group[R]) Refresh(ctx context.Context, key string, fn Func[R]) (R, Outcome, error) {
	return g.do(ctx, key, fn, true)
}

func (g *Group[R]) do(ctx context.Context, key string, fn Func[R], refresh bool) (R, Outcome, error) {
	var none R
	parent := g.parent(ctx)
	for f := parent; f != nil; f = f.parent {
		if f.key == key && !f.ended() {
			return none, Led, ErrReentrant
		}
	}
	g.mu.Lock()
	g.clock++
	arrival := g.clock
	for {
		if err := ctx.Err(); err != nil {
			g.mu.Unlock()
			return none, Led, err
		}
		if g.closed {
			g.mu.Unlock()
			return none, Led, ErrClosed
		}
		l := g.lane(key)
		f := l.flight
		if f == nil {
			f = g.start(ctx, key, l, parent, fn)
			g.mu.Unlock()
			return f.lead(ctx)
		}
		if !refresh || f.began > arrival {
			f.waiting++
			f.callers++
			joined := f.seals
			g.mu.Unlock()
			return f.follow(ctx, joined)
		}
		g.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
		}
		g.mu.Lock()
	}
}

// Alone runs fn as a flight that nobody can join and no write knows of: for a
// result that is returned to this caller only and stored nowhere.
func (g *Group[R]) Alone(ctx context.Context, fn Func[R]) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, err
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return none, ErrClosed
	}
	f := g.start(ctx, "", nil, g.parent(ctx), fn)
	g.mu.Unlock()
	r, _, err := f.lead(ctx)
	return r, err
}

// Close fails all flights with ErrClosed, cancels their functions and returns
// when the last of them has. A result that is being stored is not disturbed.
func (g *Group[R]) Close() {
	g.mu.Lock()
	g.closed = true
	var none R
	for f := range g.flights {
		if !f.storing {
			f.resolve(none, ErrClosed)
		}
		f.cancel()
	}
	g.mu.Unlock()
	g.running.Wait()
}

// Changes counts the flights that have ended with a store and the writes that have
// ended, of key and of others that share its count. As long as it stays the same,
// neither has changed what key holds.
func (g *Group[R]) Changes(key string) uint64 {
	return g.changes[stripe(key)].Load()
}

var seed = maphash.MakeSeed()

func stripe(key string) uint8 { return uint8(maphash.String(seed, key)) }

// lane returns the lane of key, a new one if need be. Called with g.mu held.
func (g *Group[R]) lane(key string) *lane[R] {
	l := g.lanes[key]
	if l == nil {
		if g.lanes == nil {
			g.lanes = make(map[string]*lane[R])
		}
		l = new(lane[R])
		g.lanes[key] = l
	}
	return l
}

// tidy forgets the lane of key if nothing goes on there. Called with g.mu held.
func (g *Group[R]) tidy(key string) {
	if l := g.lanes[key]; l != nil && l.idle() {
		delete(g.lanes, key)
	}
}

func (g *Group[R]) parent(ctx context.Context) *Flight[R] {
	f, _ := ctx.Value(parentKey[R]{g}).(*Flight[R])
	return f
}

// start begins a flight, in a lane or alone. Called with g.mu held.
func (g *Group[R]) start(ctx context.Context, key string, l *lane[R], parent *Flight[R], fn Func[R]) *Flight[R] {
	g.clock++
	f := &Flight[R]{
		group: g, parent: parent, key: key, began: g.clock,
		waiting: 1, callers: 1,
		done: make(chan struct{}), stored: make(chan struct{}),
	}
	if l != nil {
		l.flight = f
		f.fenced = l.writes > 0
	}
	if g.flights == nil {
		g.flights = make(map[*Flight[R]]struct{})
	}
	g.flights[f] = struct{}{}
	ctx = context.WithValue(context.WithoutCancel(ctx), parentKey[R]{g}, f)
	ctx, f.cancel = context.WithCancel(ctx)
	g.running.Go(func() { f.run(ctx, fn) })
	return f
}

func (f *Flight[R]) run(ctx context.Context, fn Func[R]) {
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
		g := f.group
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.flights, f)
		if !f.resolved {
			f.panicked = panicked
		}
		f.resolve(r, err)
	}()
	r, err = fn(ctx, f)
	returned = true
}

// resolve ends the flight for its callers, once. Called with group.mu held.
func (f *Flight[R]) resolve(r R, err error) {
	if f.resolved {
		return
	}
	f.resolved, f.result, f.err = true, r, err
	if f.storing {
		f.group.changes[stripe(f.key)].Add(1)
	}
	f.settle()
	f.leaveLane()
	close(f.done)
}

// leaveLane makes the flight one that nobody joins. Called with group.mu held.
func (f *Flight[R]) leaveLane() {
	if l := f.group.lanes[f.key]; l != nil && l.flight == f {
		l.flight = nil
	}
	f.group.tidy(f.key)
}

func (f *Flight[R]) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// lead waits for the caller who brought the function.
func (f *Flight[R]) lead(ctx context.Context) (R, Outcome, error) {
	var none R
	select {
	case <-f.done:
	case <-ctx.Done():
		f.leave()
		return none, Led, ctx.Err()
	}
	if f.panicked != nil {
		f.panicked.repeat()
	}
	return f.result, Led, f.err
}

// follow waits for a caller who joined when so many commands were announced.
func (f *Flight[R]) follow(ctx context.Context, joined int) (R, Outcome, error) {
	var none R
	select {
	case <-f.done:
	case <-ctx.Done():
		f.leave()
		return none, Shared, ctx.Err()
	}
	switch {
	case f.err != nil:
		return none, Shared, f.err
	case f.refused || joined == f.seals:
		return none, TurnedAway, nil
	}
	return f.result, Shared, nil
}

// leave is called by a caller that does not wait any longer. The last one
// cancels the function, unless the result is already being stored.
func (f *Flight[R]) leave() {
	g := f.group
	g.mu.Lock()
	defer g.mu.Unlock()
	f.waiting--
	if f.waiting > 0 || f.storing || f.resolved {
		return
	}
	f.fenced = true
	f.leaveLane()
	f.cancel()
}
