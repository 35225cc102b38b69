package client

import (
	"slices"
	"sync"
	"weak"
)

// A Change is that of a breaker.
type Change struct {
	Open bool
	Err  *OpenError // of those that are not answered while it is open
}

// changes tells the stores of an executor what becomes of its breakers, in this order, on a
// goroutine that runs while there is something to tell: what is told must not delay a probe.
type changes struct {
	mu       sync.Mutex // guards all below
	watchers []weak.Pointer[Client]
	untold   []Change
	telling  bool
	teller   sync.WaitGroup
}

// maxUntold is how many changes wait for watchers that do not return.
const maxUntold = 64

// Watch has tell called with each change of a breaker, by one goroutine at a time. It must not
// panic. It has to be called before the client is used.
func (c *Client) Watch(tell func(Change)) {
	c.tell = tell
	of := &c.breakers.changes
	of.mu.Lock()
	defer of.mu.Unlock()
	of.watchers = append(of.watchers, weak.Make(c)) // which may end without Close
}

// unwatch ends Watch, but for what is being told.
func (ch *changes) unwatch(c *Client) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.watchers = slices.DeleteFunc(ch.watchers, func(w weak.Pointer[Client]) bool {
		watching := w.Value()
		return watching == nil || watching == c
	})
}

// add has a change told.
func (ch *changes) add(change Change) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if len(ch.watchers) == 0 {
		return
	}
	if ch.untold = append(ch.untold, change); len(ch.untold) > maxUntold {
		ch.untold = slices.Delete(ch.untold, 0, 1)
	}
	if !ch.telling {
		ch.telling = true
		ch.teller.Go(ch.run)
	}
}

// run tells all changes.
func (ch *changes) run() {
	for {
		change, watchers := ch.next()
		if watchers == nil {
			return
		}
		for _, w := range watchers {
			if c := w.Value(); c != nil {
				c.tell(change)
			}
		}
	}
}

// next returns a change, and the clients to tell of it, nil when there is none.
func (ch *changes) next() (change Change, watchers []weak.Pointer[Client]) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if len(ch.untold) == 0 {
		ch.telling = false
		return change, nil
	}
	change = ch.untold[0]
	ch.untold = slices.Delete(ch.untold, 0, 1)
	return change, append(make([]weak.Pointer[Client], 0, len(ch.watchers)), ch.watchers...)
}

func (ch *changes) wait() { ch.teller.Wait() }
