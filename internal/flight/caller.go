package flight

import (
	"context"
	"fmt"
)

// join adds a caller and returns how many seals it comes after. Called with
// group.mu held.
func (f *Flight[R]) join() (seals int32) {
	f.waiting++
	f.callers.Add(1)
	f.makeDone()
	return f.seals
}

// makeDone makes f.done, for callers that are about to wait. Called with group.mu held.
func (f *Flight[R]) makeDone() {
	if f.done == nil && !f.resolved.Load() {
		f.done = make(chan struct{})
	}
}

// lead waits on behalf of the caller whose function it is.
func (f *Flight[R]) lead(ctx context.Context) (R, error) {
	if !f.resolved.Load() { // as are most of a batch, once the first is
		mu := f.lock()
		f.makeDone()
		mu.Unlock()
	}
	if err := f.wait(ctx); err != nil {
		var none R
		return none, err
	}
	if f.panicked {
		f.err.(*PanicError).repeat()
	}
	return f.result, f.err
}

// follow waits on behalf of a caller that joined after so many seals.
func (f *Flight[R]) follow(ctx context.Context, joined int32) (R, Outcome, error) {
	var none R
	if err := f.wait(ctx); err != nil {
		return none, Shared, err
	}
	switch {
	case f.err != nil:
		return none, Shared, f.err
	case joined < f.begun, joined < f.seals && !f.refused:
		return f.result, Shared, nil
	}
	return none, TurnedAway, nil
}

// wait returns when the flight is resolved, or with the error of ctx.
func (f *Flight[R]) wait(ctx context.Context) error {
	if f.resolved.Load() {
		return nil
	}
	select {
	case <-f.done: // of makeDone
		return nil
	case <-ctx.Done():
		if f.resolved.Load() {
			return nil
		}
		if waits := f.leave(); waits != nil {
			return &LeftError{ctx.Err(), waits}
		}
		return ctx.Err()
	}
}

// A LeftError is the error of a caller whose context ended while the function waited for
// something, see Flight.Waits.
type LeftError struct {
	Err   error // of the context
	Waits error // see Flight.Waits
}

func (e *LeftError) Error() string { return fmt.Sprintf("%v: %v", e.Err, e.Waits) }
func (e *LeftError) Unwrap() error { return e.Err }

// Waits says what the function waits for from now on, nil for nothing: callers that leave
// meanwhile get a *LeftError with it.
func (f *Flight[R]) Waits(why error) {
	defer f.lock().Unlock()
	f.exec.waits = why
}

// leave is called for a caller that does not wait any longer. The last one
// cancels the function, unless the result is already being stored. It returns what the
// function waits for, or that of the flight before it.
func (f *Flight[R]) leave() (waits error) {
	defer f.lock().Unlock()
	waits = f.exec.waits
	if s := f.state; s.next == f && s.flight != nil {
		waits = s.flight.exec.waits
	}
	f.waiting--
	if f.waiting == 0 && !f.storing {
		f.abandon()
	}
	return waits
}

// abandon ends a flight that no caller waits for. Called with group.mu held.
func (f *Flight[R]) abandon() {
	f.fenced = true
	f.remove()
	f.cease()
}
