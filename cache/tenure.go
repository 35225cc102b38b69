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
	core     *core
	lease    *store.Lease
	renewals *renewals
	ended    bool // guarded by renewals.mu
	lost     bool // the lease has ended before the tenure; guarded by renewals.mu
}

// renewals are those of the tenures that one load needs.
type renewals struct {
	core  *core
	every time.Duration

	mu      sync.Mutex // guards all below
	next    *time.Timer
	tenures []*tenure
}

// hold begins tenures, which are renewed together. Each has to be ended, by store or
// release.
func (c *core) hold(leases ...*store.Lease) []*tenure {
	if len(leases) == 0 {
		return nil
	}
	r := &renewals{core: c, every: c.lease / 3, tenures: make([]*tenure, len(leases))}
	room := make([]tenure, len(leases))
	for i, l := range leases {
		room[i] = tenure{core: c, lease: l, renewals: r}
		r.tenures[i] = &room[i]
	}
	c.tenures.Add(len(leases))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = time.AfterFunc(r.every, r.renew)
	return r.tenures
}

// renew is called by the timer. The next renewal does not wait for the answer to this
// one: one that is lost is made up for before the lease ends.
func (r *renewals) renew() {
	due := r.goOn()
	if len(due) == 0 {
		return
	}
	defer r.core.tenures.Done()
	defer r.core.contain(due[0].lease)
	leases := make([]*store.Lease, len(due))
	for i, t := range due {
		leases[i] = t.lease
	}
	ended := r.core.store.RenewAll(context.Background(), time.Now().Add(min(r.core.lease, r.core.redisTimeout)), leases)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, t := range due {
		t.lost = t.lost || ended[i]
	}
}

// goOn returns the tenures that are to be renewed. If there are any, it sets the timer for
// the next time and makes Close wait for this one.
func (r *renewals) goOn() (due []*tenure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tenures {
		if !t.ended && !t.lost {
			due = append(due, t)
		}
	}
	if len(due) > 0 {
		r.next.Reset(r.every)
		r.core.tenures.Add(1)
	}
	return due
}

// end ends the tenure and reports whether it had lasted until then. Who gets true has
// to call core.tenures.Done when the lease is out of the world.
func (t *tenure) end() bool {
	if t == nil {
		return false
	}
	t.renewals.mu.Lock()
	defer t.renewals.mu.Unlock()
	lasted := !t.ended
	t.ended = true
	if len(t.renewals.tenures) == 1 {
		t.renewals.next.Stop()
	}
	return lasted
}

// store ends the tenure by a store of its load, which reports whether it was permitted.
func (t *tenure) store(send func() (stored bool, err error)) (stored bool, err error) {
	if !t.end() {
		return false, nil
	}
	answered := []bool{false}
	defer func() { t.core.sent([]*tenure{t}, answered) }()
	stored, err = send()
	answered[0] = err == nil
	return stored, err
}

// sent is called after the stores of tenures that end has ended; nil for none.
func (c *core) sent(tenures []*tenure, answered []bool) {
	var leases []*store.Lease // that may still stand, and nobody should wait for
	for i, t := range tenures {
		switch {
		case t == nil:
		case answered[i]:
			c.tenures.Done()
		default:
			leases = append(leases, t.lease)
		}
	}
	c.release(leases)
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

// releaseAll is release for many tenures, in one round trip.
func (c *core) releaseAll(tenures []*tenure, deadline time.Time) {
	if !time.Now().Before(deadline) {
		c.releaseSoon(tenures)
		return
	}
	leases := endAll(tenures)
	if len(leases) == 0 {
		return
	}
	defer c.tenures.Add(-len(leases))
	defer c.contain(leases[0])
	c.store.ReleaseAll(context.Background(), deadline, leases)
}

// endAll ends tenures and returns the leases of those that had lasted until then.
func endAll(tenures []*tenure) (leases []*store.Lease) {
	for _, t := range tenures {
		if t.end() {
			leases = append(leases, t.lease)
		}
	}
	return leases
}

// releaseSoon is release without a wait.
func (t *tenure) releaseSoon() {
	if t != nil {
		t.core.releaseSoon([]*tenure{t})
	}
}

// releaseSoon is releaseAll without a wait.
func (c *core) releaseSoon(tenures []*tenure) { c.release(endAll(tenures)) }

// release gives back leases in the background, each of which core.tenures counts.
func (c *core) release(leases []*store.Lease) {
	if len(leases) == 0 {
		return
	}
	go func() {
		defer c.tenures.Add(-len(leases))
		defer c.contain(leases[0])
		c.store.ReleaseAll(context.Background(), time.Now().Add(c.redisTimeout), leases)
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
		c.observer.survived(context.Background(), c.error("Lease", l.Key(), ErrRedis, fmt.Errorf("a hook of the client panicked with a value of type %T", r)))
	}
}
