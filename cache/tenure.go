package cache

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A tenure is the time for which a process has the lease of a key. It lasts, by
// renewals, until the load has been stored or the lease was given back. A nil tenure is
// one that has ended.
type tenure struct {
	core  *core
	lease *store.Lease
	every time.Duration // between renewals

	mu    sync.Mutex // guards all below
	next  *time.Timer
	ended bool
}

// hold begins a tenure. It has to be ended, by store or release.
func (c *core) hold(l *store.Lease) *tenure {
	t := &tenure{core: c, lease: l, every: c.lease / 3}
	c.tenures.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = time.AfterFunc(t.every, t.renew)
	return t
}

// renew is called by the timer. The next renewal does not wait for the answer to this
// one: one that is lost is made up for before the lease ends.
func (t *tenure) renew() {
	if !t.goesOn() {
		return
	}
	defer t.core.tenures.Done()
	defer t.core.contain(t.lease)
	held, err := t.lease.Renew(context.Background(), time.Now().Add(min(t.core.lease, t.core.redisTimeout)))
	if err == nil && !held {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.next.Stop()
	}
}

// goesOn sets the timer for the next renewal and makes Close wait for this one, unless
// the tenure has ended.
func (t *tenure) goesOn() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	t.next.Reset(t.every)
	t.core.tenures.Add(1)
	return true
}

// end ends the tenure and reports whether it had lasted until then. Who gets true has
// to call core.tenures.Done when the lease is out of the world.
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

// store ends the tenure by a store of its load, which reports whether it was permitted.
func (t *tenure) store(send func() (stored bool, err error)) (stored bool, err error) {
	if !t.end() {
		return false, nil
	}
	answered := false
	defer func() {
		if answered {
			t.core.tenures.Done()
		} else {
			t.core.release(t.lease) // it may still stand, and nobody should wait for it
		}
	}()
	stored, err = send()
	answered = err == nil
	return stored, err
}

// release gives the lease back, unless the tenure has ended. It waits for the answer, if
// there is time.
func (t *tenure) release(deadline time.Time) {
	switch {
	case !time.Now().Before(deadline):
		t.releaseSoon()
	case t.end():
		defer t.core.tenures.Done()
		defer t.core.contain(t.lease)
		// What Redis says is of no consequence: the lease would end by itself.
		_, _ = t.lease.Release(context.Background(), deadline)
	}
}

// releaseSoon is release without a wait.
func (t *tenure) releaseSoon() {
	if t.end() {
		t.core.release(t.lease)
	}
}

// release gives back a lease in the background, for which core.tenures counts one.
func (c *core) release(l *store.Lease) {
	go func() {
		defer c.tenures.Done()
		defer c.contain(l)
		_, _ = l.Release(context.Background(), time.Now().Add(c.redisTimeout))
	}()
}

// maxAbandoned bounds the leases that are looked after at one time: in an outage they
// had better end by themselves.
const maxAbandoned = 64

// abandon gives back, in the background, a lease that Redis may have granted without
// having said so; nil for none. If it is not there, it may still be on its way: Redis is
// asked once more.
func (c *core) abandon(l *store.Lease) {
	if l == nil {
		return
	}
	if c.abandoned.Add(1) > maxAbandoned {
		c.abandoned.Add(-1)
		return
	}
	c.tenures.Add(1)
	go func() {
		defer c.tenures.Done()
		defer c.abandoned.Add(-1)
		defer c.contain(l)
		for range 2 {
			if held, _ := l.Release(context.Background(), time.Now().Add(c.redisTimeout)); held {
				return
			}
			select {
			case <-time.After(min(c.redisTimeout, c.lease)):
			case <-c.closing:
				return
			}
		}
	}()
}

// contain keeps a panic in a hook of the client from ending the process.
func (c *core) contain(l *store.Lease) {
	if r := recover(); r != nil {
		c.observer.survived(context.Background(), c.error("Lease", l.Key(), ErrRedis, fmt.Errorf("a hook of the client panicked with a %T", r)))
	}
}
