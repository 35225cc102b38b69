package protocol

import (
	"context"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A heldLease is a lease that this process has. It is kept alive until the load has been
// stored, or the lease is released. A nil heldLease is one that has ended.
type heldLease struct {
	keepAlive *keepAlive
	lease     *store.Lease
	over      bool // it is held no more; guarded by keepAlive.mu
	lost      bool // Redis has ended it before; guarded by keepAlive.mu
}

// A keepAlive renews the leases that one load needs.
type keepAlive struct {
	engine *Engine
	every  time.Duration

	mu     sync.Mutex // guards all below
	timer  *time.Timer
	idle   bool        // the timer is not set: there is nothing to renew any more
	due    time.Time   // when the leases are to be renewed
	load   *ending     // whose time the timer ends too; nil: none
	leases []heldLease // whose number is constant

	one [1]heldLease // backs leases
}

// hold has the jobs hold the leases that were granted to them, which are renewed together. They
// were asked for at a time, and are no older than that.
// Each has to be ended, by a commit or a release. A lease of which it is not known whether
// it was granted is released.
func (e *Engine) hold(all jobs, asks []store.Ask, asked time.Time) {
	granted := 0
	for i := range asks {
		switch {
		case asks[i].Err != nil:
			e.releaseUncertain(asks[i].Answer.Lease)
		case asks[i].Answer.Status == store.Granted:
			granted++
		}
	}
	if granted == 0 {
		return
	}
	k := &keepAlive{engine: e, every: e.Lease / 3}
	if k.leases = k.one[:0]; granted > 1 {
		k.leases = make([]heldLease, 0, granted)
	}
	for i, j := range all {
		if a := &asks[i].Answer; asks[i].Err == nil && a.Status == store.Granted {
			k.leases = append(k.leases, heldLease{keepAlive: k, lease: a.Lease})
			j.grant = grant{lease: &k.leases[len(k.leases)-1], committer: a.Lease}
		}
	}
	e.leases.Add(granted)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.due = asked.Add(k.every)
	k.timer = time.AfterFunc(k.every, k.tick)
}

// bound has the timer end the time of a load, nil for no more.
func (k *keepAlive) bound(load *ending) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.load = load; load != nil && (k.idle || load.bounded.deadline.Before(k.due)) {
		k.timer.Reset(time.Until(load.bounded.deadline))
		k.idle = false
	}
}

// tick is called by the timer.
func (k *keepAlive) tick() {
	due, late := k.next()
	if len(due) > 0 {
		defer k.renew(due) // also where a hook of the client ends the goroutine meanwhile
	}
	if late != nil {
		late.timeOut()
	}
}

// renew renews leases. The next renewal does not wait for the answer to this one: one that is
// lost is made up for before the lease ends.
func (k *keepAlive) renew(due []*heldLease) {
	e := k.engine
	defer e.leases.Done()
	defer e.containHook(due[0].lease)
	leases := make([]*store.Lease, len(due))
	for i, l := range due {
		leases[i] = l.lease
	}
	ended := e.Store.RenewAll(context.Background(), time.Now().Add(min(e.Lease, e.RedisTimeout)), leases)
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, l := range due {
		l.lost = l.lost || ended[i]
	}
}

// next returns the leases that are to be renewed now, and the load whose time is over. It makes
// Close wait for the renewal, and sets the timer for what comes next.
func (k *keepAlive) next() (due []*heldLease, late *ending) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.load != nil && !now.Before(k.load.bounded.deadline) {
		late, k.load = k.load, nil
	}
	renews := !now.Before(k.due)
	for i := range k.leases {
		if l := &k.leases[i]; !l.over && !l.lost {
			due = append(due, l)
		}
	}
	left := len(due) > 0
	switch {
	case !renews:
		due = nil
	case left:
		k.engine.leases.Add(1)
		k.due = now.Add(k.every)
	}
	at := k.due
	if k.load != nil && (!left || k.load.bounded.deadline.Before(at)) {
		at, left = k.load.bounded.deadline, true
	}
	if k.idle = !left; left {
		k.timer.Reset(at.Sub(now))
	}
	return due, late
}

// end ends the holding of the lease, and reports whether it had lasted until then. A caller
// that gets true has to call Engine.leases.Done when the lease is out of the world.
func (l *heldLease) end() bool {
	if l == nil {
		return false
	}
	k := l.keepAlive
	k.mu.Lock()
	defer k.mu.Unlock()
	lasted := !l.over
	l.over = true
	if len(k.leases) == 1 {
		k.timer.Stop()
	}
	return lasted
}

// ended is called after the commits of jobs whose leases heldLease.end has ended. What was not
// answered may have left a lease that nobody should wait for.
func (e *Engine) ended(sent jobs, commits []store.Commit) {
	var uncertain []*store.Lease
	for i, j := range sent {
		switch l := j.grant.lease; {
		case l == nil:
		case commits[i].Err == nil:
			e.leases.Done()
		default:
			uncertain = append(uncertain, l.lease)
		}
	}
	e.releaseInBackground(uncertain)
}

// releaseAll releases the leases that the jobs still hold, in one round trip. It waits for the
// answer, if there is time: what Redis does not hear of ends by itself.
func (e *Engine) releaseAll(all jobs) {
	if leases := all.endLeases(); len(leases) > 0 {
		e.releaseBy(leases, all.deadline())
	}
}

// releaseBy is releaseAll for leases that are held no more, until a deadline.
func (e *Engine) releaseBy(leases []*store.Lease, deadline time.Time) {
	if !time.Now().Before(deadline) {
		e.releaseInBackground(leases)
		return
	}
	e.release(leases, deadline)
}

// release releases leases, each of which Engine.leases counts.
func (e *Engine) release(leases []*store.Lease, deadline time.Time) {
	if len(leases) == 0 {
		return
	}
	defer e.leases.Add(-len(leases))
	defer e.containHook(leases[0])
	e.Store.ReleaseAll(context.Background(), deadline, leases)
	for _, l := range leases {
		e.Waker.released(l.Key())
	}
}

// releaseNow is releaseAll for the leases of jobs, whose budgets it spends.
func (e *Engine) releaseNow(all jobs) {
	began := time.Now()
	e.releaseAll(all)
	all.spent(began)
}

// endLeases ends the holding of leases, and returns those that had lasted until then.
func (all jobs) endLeases() (leases []*store.Lease) {
	for _, j := range all {
		if l := j.grant.lease; l.end() {
			leases = append(leases, l.lease)
		}
	}
	return leases
}

// keepAlive returns what renews the leases of jobs that one load is for: they were granted
// together, and no other job holds one of those. It is nil when there are none.
func (all jobs) keepAlive() *keepAlive {
	for _, j := range all {
		if l := j.grant.lease; l != nil {
			return l.keepAlive
		}
	}
	return nil
}

// endAll is endLeases for all leases of k.
func (k *keepAlive) endAll() (leases []*store.Lease) {
	if k == nil {
		return nil
	}
	for i := range k.leases {
		if l := &k.leases[i]; l.end() {
			leases = append(leases, l.lease)
		}
	}
	return leases
}

// releaseSoon is releaseAll without a wait.
func (e *Engine) releaseSoon(all jobs) { e.releaseInBackground(all.endLeases()) }

// releaseInBackground is release without a wait.
func (e *Engine) releaseInBackground(leases []*store.Lease) {
	if len(leases) > 0 {
		go e.release(leases, time.Now().Add(e.RedisTimeout))
	}
}

// maxUncertain bounds the leases that are looked after at one time: in an outage they had
// better end by themselves.
const maxUncertain = 64

// releaseUncertain releases, in the background, a lease that Redis may have granted without
// having said so; nil for none. If it is not there, it may still be on its way: Redis is asked
// once more.
func (e *Engine) releaseUncertain(l *store.Lease) {
	if l == nil {
		return
	}
	if e.uncertain.Add(1) > maxUncertain {
		e.uncertain.Add(-1)
		return
	}
	e.leases.Add(1)
	go func() {
		defer e.leases.Done()
		defer e.uncertain.Add(-1)
		defer e.containHook(l)
		for range 2 {
			if held, _ := l.Release(context.Background(), time.Now().Add(e.RedisTimeout)); held {
				return
			}
			select {
			case <-time.After(min(e.RedisTimeout, e.Lease)):
			case <-e.closing:
				return
			}
		}
	}()
}

// containHook keeps a panic in a hook of the client from ending the process.
func (e *Engine) containHook(l *store.Lease) {
	if v := recover(); v != nil {
		e.Reporter.HookPanicked(l.Key(), v)
	}
}
