package cache

import (
	"context"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A tenure is the time for which a process has the lease of a key. It lasts, by
// renewals, until the load has been stored or the lease was given back.
type tenure struct {
	core  *core
	lease *store.Lease
	every time.Duration // between renewals

	mu    sync.Mutex // guards all below
	next  *time.Timer
	ended bool
}

// hold begins a tenure. It has to be ended by store or release.
func (c *core) hold(l *store.Lease) *tenure {
	t := &tenure{core: c, lease: l, every: c.lease / 3}
	c.tenures.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = time.AfterFunc(t.every, t.renew)
	return t
}

// renew is called by the timer. A renewal that fails is made up for by the next: a
// lease outlives two of them.
func (t *tenure) renew() {
	if !t.enter() {
		return
	}
	defer t.core.tenures.Done()
	held, err := t.lease.Renew(context.Background(), time.Now().Add(min(t.every, t.core.redisTimeout)))
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended && (held || err != nil) {
		t.next.Reset(t.every)
	}
}

// enter makes Close wait for a renewal, if there is still to be one.
func (t *tenure) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.core.tenures.Add(1)
	}
	return !t.ended
}

// end ends the tenure, if there is one, and reports whether it had lasted until then. Who gets true
// has to call core.tenures.Done when the lease is out of the world.
func (t *tenure) end() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	lasted := !t.ended
	t.ended = true
	t.next.Stop()
	return lasted
}

// release gives the lease back, unless the tenure has ended or is nil.
func (t *tenure) release(deadline time.Time) {
	if t.end() {
		t.giveBack(deadline)
	}
}

// giveBack gives back the lease of a tenure that has just been ended. What Redis
// says is of no consequence: the lease would end by itself.
func (t *tenure) giveBack(deadline time.Time) {
	defer t.core.tenures.Done()
	_ = t.lease.Release(context.Background(), deadline)
}
