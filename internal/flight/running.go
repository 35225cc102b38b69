package flight

import "time"

// A Running is a flight whose function runs, as it was at one moment.
type Running struct {
	Key        string
	Began      time.Time
	Waiting    int // callers that wait now
	Callers    int // calls that have joined, the first included
	Refresh    bool
	Background bool // it is one of Start
	Phase      Phase
}

// A Phase is what the function of a flight does.
type Phase uint8

// The phases.
const (
	Asking    Phase = iota // it has not begun to make the result
	Awaiting               // see Flight.Awaits
	Queued                 // see Flight.Waits
	Making                 // after Begin
	Storing                // after SealStore
	Abandoned              // it still runs, and its callers have left or have an error
)

// Awaits says whether the function waits for what another process does.
func (f *Flight[R]) Awaits(awaits bool) {
	defer f.lock().Unlock()
	f.awaits = awaits
}

// Running returns the flights whose functions run, and that have no result yet.
func (g *Group[R]) Running() []Running {
	g.mu.Lock()
	defer g.mu.Unlock()
	running := make([]Running, 0, len(g.executions))
	for e := range g.executions {
		for _, f := range e.flights {
			if !f.resolved.Load() || f.err != nil {
				running = append(running, f.running())
			}
		}
	}
	return running
}

// running is called with group.mu held.
func (f *Flight[R]) running() Running {
	e := f.exec
	r := Running{
		Key: f.state.key, Began: e.began, Waiting: int(f.waiting), Callers: f.Callers(),
		Refresh: e.refresh, Background: e.background, Phase: f.phase(),
	}
	if e.background {
		r.Waiting-- // which has kept it from being abandoned
	}
	return r
}

// phase is called with group.mu held.
func (f *Flight[R]) phase() Phase {
	switch {
	case f.storing:
		return Storing
	case f.ceased:
		return Abandoned
	case f.exec.waits != nil:
		return Queued
	case f.awaits:
		return Awaiting
	case f.begun > 0:
		return Making
	}
	return Asking
}
