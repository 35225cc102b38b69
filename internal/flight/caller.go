package flight

import "context"

// join adds a caller and returns how many seals it comes after. Called with
// group.mu held.
func (f *Flight[R]) join() (seals int) {
	f.waiting++
	f.callers++
	return f.seals
}

// lead waits for the caller who brought the function.
func (f *Flight[R]) lead(ctx context.Context) (R, error) {
	if err := f.wait(ctx); err != nil {
		var none R
		return none, err
	}
	if f.panicked != nil {
		f.panicked.repeat()
	}
	return f.result, f.err
}

// follow waits for a caller who joined after so many seals.
func (f *Flight[R]) follow(ctx context.Context, joined int) (R, Outcome, error) {
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
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		if f.ended() {
			return nil
		}
		f.leave()
		return ctx.Err()
	}
}

// leave is called for a caller that does not wait any longer. The last one
// cancels the function, unless the result is already being stored.
func (f *Flight[R]) leave() {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	f.waiting--
	if f.waiting == 0 && !f.storing {
		f.abandon()
	}
}

// abandon ends what nobody waits for. Called with group.mu held.
func (f *Flight[R]) abandon() {
	f.fenced = true
	f.leaveLane()
	f.cease()
}
