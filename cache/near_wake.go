package cache

import (
	"time"

	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/tracking"
)

// wakeBound is for how long the writes of others may not have been heard of before a load that
// waits for another process asks Redis as often as without a listener.
const wakeBound = time.Second

// waker returns what wakes loads that wait for other processes, nil where nobody tells of writes.
func (n *nearTier) waker() *protocol.Waker {
	if n == nil || n.listener == nil {
		return nil
	}
	return &n.wakes
}

// heard reports whether the writes to a key are told of now.
func (n *nearTier) heard(key string) bool {
	e := n.subscription.Epoch(key)
	return e != nil && e.Proven(tracking.Now(), wakeBound)
}

// Invalidate is part of tracking.Handler.
func (h nearHandler) Invalidate(key []byte) {
	h.Tier.Invalidate(key)
	h.wakes.Invalidate(key)
}

// Flush is part of tracking.Handler.
func (h nearHandler) Flush() {
	h.Tier.Flush()
	h.wakes.Flush()
}
