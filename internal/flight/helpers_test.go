package flight

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs a test of one group on virtual time. At its end nothing may be left
// of any flight or write; synctest itself reports goroutines that are left.
func bubble(t *testing.T, test func(t *testing.T, g *Group[int])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := new(Group[int])
		test(t, g)
		checkIdle(t, g)
	})
}

// checkIdle waits for the functions that still run and fails the test unless the
// group has forgotten everything.
func checkIdle[R any](t *testing.T, g *Group[R]) {
	t.Helper()
	g.running.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.keys) != 0 || len(g.executions) != 0 {
		t.Errorf("the idle group holds %d keys and %d executions", len(g.keys), len(g.executions))
	}
}

// checkInvariants fails the test if the group contradicts itself. It may be called
// at any time.
func checkInvariants[R any](t *testing.T, g *Group[R]) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, s := range g.keys {
		switch f := s.flight; {
		case s.key != key:
			t.Errorf("state %q is filed under %q", s.key, key)
		case s.writes < 0:
			t.Errorf("%q: %d writes are under way", key, s.writes)
		case f == nil && s.writes == 0 && len(s.storing) == 0:
			t.Errorf("%q: the state is idle", key)
		case f == nil && s.next != nil:
			t.Errorf("%q: the next flight waits for none", key)
		case f != nil && (f.state != s || f.resolved.Load()):
			t.Errorf("%q: the flight is not under way here", key)
		case f != nil && s.writes > 0 && !f.fenced:
			t.Errorf("%q: the flight is not fenced during a write", key)
		case f != nil && f.waiting == 0 && !f.storing:
			t.Errorf("%q: nobody waits for the flight", key)
		case s.next != nil && (s.next.waiting == 0 || s.next.resolved.Load()):
			t.Errorf("%q: nobody waits for the next flight", key)
		}
		for _, f := range s.storing {
			if !f.storing || f.settled {
				t.Errorf("%q: writes wait for a flight that stores nothing", key)
			}
		}
	}
}

// An answer is what became of one call.
type answer struct {
	value    int
	outcome  Outcome
	err      error
	panicked any
	exited   bool          // by runtime.Goexit
	after    time.Duration // since the call
}

// calls starts a call on a goroutine of its own.
func calls(call func() (int, Outcome, error)) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		began := time.Now()
		a := answer{exited: true}
		defer func() {
			if a.exited {
				if a.panicked = recover(); a.panicked != nil {
					a.exited = false
				}
			}
			a.after = time.Since(began)
			c <- a
		}()
		a.value, a.outcome, a.err = call()
		a.exited = false
	}()
	return c
}

// do starts a call of Do.
func do(ctx context.Context, g *Group[int], key string, fn Func[int]) <-chan answer {
	return calls(func() (int, Outcome, error) { return g.Do(ctx, key, fn) })
}

// refresh starts a call of Refresh.
func refresh(ctx context.Context, g *Group[int], key string, fn Func[int]) <-chan answer {
	return calls(func() (int, Outcome, error) { return g.Refresh(ctx, key, fn) })
}

// fence starts a write; its answer comes when the fence stands.
func fence(ctx context.Context, g *Group[int], keys ...string) (<-chan answer, *Fence[int]) {
	return fenceUntil(ctx, g, farOff(), keys...)
}

func fenceUntil(ctx context.Context, g *Group[int], deadline time.Time, keys ...string) (<-chan answer, *Fence[int]) {
	w := new(Fence[int])
	return calls(func() (_ int, _ Outcome, err error) {
		*w, err = g.Fence(ctx, deadline, keys...)
		return 0, 0, err
	}), w
}

// farOff is the deadline of a write that has all the time.
func farOff() time.Time { return time.Now().Add(time.Hour) }

// stores returns a function that loads and stores v, each for d.
func stores(v int, d time.Duration) Func[int] {
	return func(ctx context.Context, f *Flight[int]) (int, error) {
		time.Sleep(d)
		if f.SealStore() {
			time.Sleep(d)
			f.Settled()
		}
		return v, nil
	}
}

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// never is a function that a call is expected not to need.
func never(t *testing.T) Func[int] {
	return func(context.Context, *Flight[int]) (int, error) {
		t.Error("the function ran")
		return 0, nil
	}
}

// want fails the test unless a call was answered so.
func want(t *testing.T, what string, got answer, value int, outcome Outcome, err error) {
	t.Helper()
	if got.panicked != nil || got.exited {
		t.Errorf("%s: panicked with %v, exited: %v", what, got.panicked, got.exited)
	} else if got.value != value || got.outcome != outcome || got.err != err {
		t.Errorf("%s: got %d, outcome %d, error %v; want %d, outcome %d, error %v",
			what, got.value, got.outcome, got.err, value, outcome, err)
	}
}

// wantAfter fails the test unless a call took so long.
func wantAfter(t *testing.T, what string, got answer, after time.Duration) {
	t.Helper()
	if got.after != after {
		t.Errorf("%s: answered after %v, want %v", what, got.after, after)
	}
}
