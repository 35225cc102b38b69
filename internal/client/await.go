package client

import "context"

// UndeliveredBy returns how many deletes of a Deleter are to be delivered.
func (c *Client) UndeliveredBy(by Deleter) int {
	u := &c.undelivered
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.countBy(by)
}

// countBy is UndeliveredBy; the caller holds the lock.
func (u *undelivered) countBy(by Deleter) (n int) {
	for _, d := range u.deletes {
		if d.By == by {
			n++
		}
	}
	return n
}

// AwaitDelivery has the deletes of a Deleter sent now, and waits until none is left to be delivered
// or ctx has ended.
func (c *Client) AwaitDelivery(ctx context.Context, by Deleter) {
	u := &c.undelivered
	for first := true; ; first = false {
		removed := u.nextRemoval(by)
		if removed == nil {
			return
		}
		if first {
			u.wakeUp()
		}
		select {
		case <-removed:
		case <-ctx.Done():
			return
		}
	}
}

// nextRemoval returns a channel that is closed when the next delete is forgotten, whosever it is;
// nil if none of a Deleter is left.
func (u *undelivered) nextRemoval(by Deleter) <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.countBy(by) == 0 {
		return nil
	}
	if u.removed == nil {
		u.removed = make(chan struct{})
	}
	return u.removed
}

// tellRemoval closes that channel; the caller holds the lock.
func (u *undelivered) tellRemoval() {
	if u.removed != nil {
		close(u.removed)
		u.removed = nil
	}
}
