package flight

import (
	"context"
	"slices"
)

// Seal announces a command that would validate the result, such as the read that
// may find one: callers that join from here on do not share it. The rule closes
// the gap between the moment a result is proved valid and the moment it is handed
// out, in which a write can begin and end. A later seal, of this kind or by
// SealStore, admits the callers that have joined until then.
func (f *Flight[R]) Seal() {
	defer f.lock().Unlock()
	if !f.resolved.Load() {
		f.seals++
	}
}

// Begin says that what makes the result begins now, such as a load. The callers that have
// joined until here may have it whatever becomes of the store, since it is not older than
// their calls. When the function starts over, the last Begin counts.
func (f *Flight[R]) Begin() {
	defer f.lock().Unlock()
	if !f.resolved.Load() {
		f.seals++
		f.begun = f.seals
	}
}

// SetOrigin says in which context the result is made, for those that have waited for it: see
// Tickets.Origin. When the function starts over, the last one counts.
func (f *Flight[R]) SetOrigin(ctx context.Context) {
	defer f.lock().Unlock()
	f.origin = ctx
}

// Restart says that the store was refused and that the function starts over. When
// no caller waits any more, or the group was closed meanwhile, it cancels the function.
func (f *Flight[R]) Restart() {
	defer f.lock().Unlock()
	f.settle()
	f.storing, f.settled, f.stored = false, false, nil
	switch {
	case f.resolved.Load():
	case f.exec.group.closed:
		f.fail(ErrClosed)
	case f.waiting == 0:
		f.abandon()
	}
}

// SealStore announces the command that stores the result. Besides what Seal does,
// writes of the key now wait until Settled, or the end of the function. It reports
// false when the result may not be stored, because a write has come, the flight
// was failed or no caller waits for it: then it is refused, as by Refuse.
// At most once a flight, or once more after each Restart.
func (f *Flight[R]) SealStore() bool {
	defer f.lock().Unlock()
	switch {
	case f.resolved.Load():
		return false
	case f.fenced:
		f.refused = true
		return false
	}
	f.seals++
	f.storing = true
	return true
}

// Settled says that the store has been answered, or abandoned: writes of the key
// need not wait any longer.
func (f *Flight[R]) Settled() {
	defer f.lock().Unlock()
	f.settle()
}

// settle lets writes go on, if a store was announced. Called with group.mu held.
func (f *Flight[R]) settle() {
	if !f.storing || f.settled {
		return
	}
	f.settled = true
	if f.stored != nil {
		close(f.stored)
	}
	if i := slices.Index(f.state.storing, f); i >= 0 {
		f.state.storing = slices.Delete(f.state.storing, i, i+1)
		f.exec.group.tidy(f.state)
	}
}

// settling returns a channel that is closed by settle. Called with group.mu held.
func (f *Flight[R]) settling() <-chan struct{} {
	if f.stored == nil {
		f.stored = make(chan struct{})
	}
	return f.stored
}

// Refuse says that the announced command did not validate the result: it is now
// for the callers that came before Begin alone, and the others start over.
func (f *Flight[R]) Refuse() {
	defer f.lock().Unlock()
	if !f.resolved.Load() {
		f.refused = true
	}
}

// Fail ends the flight with err for all callers that wait, and cancels its function; what
// that still returns is dropped. It does nothing once a store was announced or the
// flight has ended.
func (f *Flight[R]) Fail(err error) {
	defer f.lock().Unlock()
	if !f.storing {
		f.fail(err)
	}
}

// Wanted reports whether a caller still waits for the result.
func (f *Flight[R]) Wanted() bool {
	defer f.lock().Unlock()
	return !f.ceased
}

// IsStorable reports whether the result may still be stored, as far as the flight knows: it has
// not ended, no write has come and a caller waits.
func (f *Flight[R]) IsStorable() bool {
	defer f.lock().Unlock()
	return !f.resolved.Load() && !f.fenced
}

// Callers returns the number of callers that have joined so far.
func (f *Flight[R]) Callers() int { return int(f.callers.Load()) }
