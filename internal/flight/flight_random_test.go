package flight

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A model is a source and a cache in front of it, as the cache package uses them,
// but with versions in place of values and random delays in place of a network.
// It knows which versions may still be seen, and fails the test for any other.
//
// Local writes go through a Fence. Foreign ones, of other processes, do not: the
// group cannot know of them. So with foreign writes a store is a commit that Redis
// refuses if a write came after the load was permitted; without them it is plain.
type model struct {
	t       *testing.T
	g       *Group[int]
	foreign bool

	mu   sync.Mutex
	keys map[string]*register
	loud bool // has failed: once is enough
}

// A register is one key.
type register struct {
	source int // the version of the source
	cached int // the version in the cache, 0 for none
	floor  int // what the last write that ended had written
	writes int // how often the cache was cleared: the permission to commit
}

func (m *model) at(key string, do func(r *register)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.keys[key]
	if r == nil {
		r = &register{source: 1}
		m.keys[key] = r
	}
	do(r)
}

// atLeast fails the test if a version is older than it may be. Called with m.mu
// held.
func (m *model) atLeast(what string, got, floor int) {
	if got < floor && !m.loud {
		m.loud = true
		m.t.Errorf("%s: version %d, after a write of %d had ended", what, got, floor)
	}
}

// An actor is one goroutine of callers with its own random numbers.
type actor struct {
	*model
	*rand.Rand
}

// pause lets some time pass, often none, so that much happens at one instant.
func (a actor) pause() {
	d := a.IntN(6)
	if d == 5 {
		d = a.IntN(30)
	}
	time.Sleep(time.Duration(d) * ms)
}

// fork returns an actor for a function, which runs beside the actor that called with it.
func (a actor) fork() actor {
	return actor{a.model, rand.New(rand.NewPCG(a.Uint64(), a.Uint64()))}
}

var errLate = errors.New("the load took too long")

// A loadError is the failure of a load at a version of the source.
type loadError struct{ version int }

func (loadError) Error() string { return "the load failed" }

// load returns the function of a call: look again, load, store.
func (a actor) load(key string, changes uint64, again bool) Func[int] {
	a = a.fork()
	return func(ctx context.Context, f *Flight[int]) (int, error) {
		if again && a.g.ChangedSince(key, changes) {
			f.Seal()
			if v := a.look(key); v != 0 {
				return v, nil
			}
		}
		// No timer that is due at once: see CONTRIBUTING.md.
		late := time.AfterFunc(time.Duration(1+a.IntN(60))*ms, func() { f.Fail(errLate) })
		defer late.Stop()
		var version, permission int
		a.at(key, func(r *register) { permission = r.writes })
		a.pause()
		a.at(key, func(r *register) { version = r.source })
		a.pause()
		switch n := a.IntN(10); {
		case n == 0:
			panic("boom")
		case n == 1:
			return 0, loadError{version}
		case ctx.Err() != nil && a.IntN(2) == 0:
			return 0, ctx.Err()
		}
		if f.SealStore() {
			a.pause()
			if !a.commit(key, version, permission) {
				f.Refuse()
			}
			a.pause()
			f.Settled()
			a.pause()
		}
		return version, nil
	}
}

func (a actor) commit(key string, version, permission int) (accepted bool) {
	a.at(key, func(r *register) {
		if a.foreign && r.writes != permission {
			return
		}
		accepted = true
		r.cached = version
		a.atLeast("stored", version, r.floor)
	})
	return accepted
}

// look reads the cache.
func (a actor) look(key string) (version int) {
	a.pause()
	a.at(key, func(r *register) { version = r.cached })
	a.pause()
	return version
}

// get is a call of GetOrSet.
func (a actor) get(ctx context.Context, key string) {
	var floor int
	a.at(key, func(r *register) { floor = r.floor })
	for range 3 {
		changes := a.g.Changes()
		if v := a.look(key); v != 0 {
			a.at(key, func(*register) { a.atLeast("hit", v, floor) })
			return
		}
		v, outcome, err := a.g.Do(ctx, key, a.load(key, changes, true))
		if a.answered("Do", key, v, outcome, err, floor) {
			return
		}
	}
	v, outcome, err := a.g.Refresh(ctx, key, a.load(key, 0, false)) // which never returns TurnedAway
	a.answered("Refresh after being turned away", key, v, outcome, err, floor)
}

// refresh is a call of Refresh, whose load must begin after it.
func (a actor) refresh(ctx context.Context, key string) {
	var source int
	a.at(key, func(r *register) { source = r.source })
	v, outcome, err := a.g.Refresh(ctx, key, a.load(key, 0, false))
	a.answered("Refresh", key, v, outcome, err, source)
}

// answered checks a result and reports whether it is one.
func (a actor) answered(what, key string, v int, outcome Outcome, err error, floor int) bool {
	var panicked *PanicError
	var failed loadError
	switch {
	case errors.As(err, &failed):
		if !a.foreign { // nothing protects from an older error than the fence
			a.at(key, func(*register) { a.atLeast(what+" failed", failed.version, floor) })
		}
	case errors.As(err, &panicked), err == errLate, err == ErrClosed, err == context.DeadlineExceeded, err == context.Canceled:
	case err != nil:
		a.t.Errorf("%s: %v", what, err)
	case outcome == TurnedAway:
		return false
	default:
		a.at(key, func(*register) { a.atLeast(fmt.Sprintf("%s, outcome %d", what, outcome), v, floor) })
	}
	return true
}

// write changes the source and clears the cache, for one key or two. The source
// changes first; but where a fence is all that protects, it may do so at any time
// before the end.
func (a actor) write(ctx context.Context, local bool, keys ...string) {
	written := make([]int, len(keys))
	change := func() {
		for i, key := range keys {
			a.at(key, func(r *register) { r.source++; written[i] = r.source })
		}
	}
	last := !a.foreign && a.IntN(2) == 0
	if !last {
		change()
	}
	a.pause()
	end := func() {}
	if local {
		w, err := a.g.Fence(ctx, farOff(), keys...)
		if err != nil {
			w.End()
			return
		}
		end = w.End
	}
	a.pause()
	for _, key := range keys {
		a.at(key, func(r *register) { r.cached = 0; r.writes++ })
	}
	a.pause()
	if last {
		change()
	}
	end()
	for i, key := range keys {
		a.at(key, func(r *register) { r.floor = max(r.floor, written[i]) })
	}
}

// act makes one call, which may panic because its function does.
func (a actor) act() {
	defer func() {
		if r := recover(); r != nil && r != "boom" {
			panic(r)
		}
	}()
	ctx := a.t.Context()
	if a.IntN(3) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(a.IntN(30))*ms)
		defer cancel()
	}
	keys := [...]string{"a", "b", "c"}
	key, other := keys[a.IntN(len(keys))], keys[a.IntN(len(keys))]
	switch n := a.IntN(20); {
	case n < 12:
		a.get(ctx, key)
	case n < 15:
		a.refresh(ctx, key)
	case n < 18:
		a.write(ctx, !a.foreign || a.IntN(4) == 0, key)
	default:
		a.write(ctx, !a.foreign || a.IntN(4) == 0, key, other)
	}
	checkInvariants(a.t, a.g)
}

// Whatever callers, writes and the end of the group do to each other: no store of
// an older version after a write has ended, none in an answer to a later call, and
// nobody hangs. A seed that fails can be run alone:
// go test -run 'TestRandom/seed=42$'
func TestRandom(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomRun(t, seed) })
		})
	}
}

func randomRun(t *testing.T, seed uint64) {
	began := time.Now()
	m := &model{t: t, g: new(Group[int]), keys: make(map[string]*register), foreign: seed%2 == 1}
	main := actor{m, rand.New(rand.NewPCG(seed, 0))}
	var actors sync.WaitGroup
	for range 4 + main.IntN(20) {
		a := main.fork()
		actors.Go(func() {
			for range 20 {
				a.pause()
				a.act()
			}
		})
	}
	if main.IntN(3) == 0 {
		time.Sleep(time.Duration(main.IntN(200)) * ms)
		m.g.Close()
	}
	actors.Wait()
	m.g.Close()
	checkIdle(t, m.g)
	if d := time.Since(began); d > time.Minute {
		t.Errorf("it took %v of virtual time", d)
	}
}
