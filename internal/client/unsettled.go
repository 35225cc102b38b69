package client

import "time"

// A write whose caller has left without an answer is unsettled: a proxy, or the kernel of a frozen
// server, may hold its bytes, which are carried out later, over a delete that was acknowledged
// meanwhile. That the connection is closed does not end that, and nobody can say when they are
// gone. So the key, which is cached again once Redis has acknowledged a delete or a later write, is
// deleted a few times more. What has been stored meanwhile goes as well, which costs a load.

// settling are the times after that.
var settling = [...]time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

const (
	maxUnsettled      = 10_000
	maxUnsettledBytes = 2 << 20 // of names

	// Commands whose goroutines have not ended hold their connections: as long as there are any,
	// keys stay unsettled, but not for longer than that.
	settleInterval = 30 * time.Second
	longestSettle  = 5 * time.Minute
)

// Unsettle has a delete sent a few times, as a write of its key may still be carried out.
func (c *Client) Unsettle(d Delete) {
	u := &c.undelivered
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return
	}
	d.Unsettled = true
	if old := u.deletes[d.Key]; old != nil {
		old.Unsettled = true
		return
	}
	u.settled(d.Key)
	u.unsettle(&d, time.Now())
	u.start(c.executor)
}

// unsettle has a delete sent a few times more, after it was acknowledged; the caller holds the
// lock. What is one too many is forgotten: the TTL ends what is stored late.
func (u *undelivered) unsettle(d *Delete, now time.Time) {
	if len(u.unsettled) >= maxUnsettled || u.unsettledBytes+len(d.Key) > maxUnsettledBytes {
		return
	}
	if u.unsettled == nil {
		u.unsettled = make(map[string]*Delete)
	}
	d.acknowledged, d.repeated, d.due = now, 0, now.Add(settling[0])
	u.unsettled[d.Key] = d
	u.unsettledBytes += len(d.Key)
}

// settled forgets an unsettled key, and reports whether it was one; the caller holds the lock.
func (u *undelivered) settled(key string) bool {
	if u.unsettled[key] == nil {
		return false
	}
	delete(u.unsettled, key)
	u.unsettledBytes -= len(key)
	return true
}

// repeated notes that an unsettled key was deleted once more; the caller holds the lock. Busy says
// whether commands of the client have not ended yet.
func (u *undelivered) repeated(d *Delete, now time.Time, busy bool) {
	d.repeated++
	switch n := d.repeated; {
	case n < len(settling):
		d.due = now.Add(settling[n] - settling[n-1])
	case busy && now.Sub(d.acknowledged) < longestSettle:
		d.due = now.Add(settleInterval)
	default:
		u.settled(d.Key)
	}
}

// Unsettled returns how many keys are deleted again, as a write of them may still be carried out.
func (c *Client) Unsettled() int {
	u := &c.undelivered
	u.mu.RLock()
	defer u.mu.RUnlock()
	return len(u.unsettled)
}
