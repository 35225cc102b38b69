// Package tracking hears of every write to keys with given prefixes, as Redis tells of them
// (CLIENT TRACKING ON BCAST), so that what a process keeps in its memory does not go stale.
//
// All that listen with one client share a connection to each master, which is made for the
// first [Subscription] and closed with the last one. A master that answers a PING has told of
// every write before it, almost: see [Epoch.Proven]. So a value that was read from a master in
// an [Epoch] is as good as one in Redis while the epoch is proven and nothing was heard of its
// key.
package tracking

import (
	"sync/atomic"
	"time"
)

// A Handler is told what Redis says of the keys with the prefixes of a subscription. Its methods
// are called concurrently, by the connections to several masters, and must not wait for Redis
// nor for a Close of this package. A call may still be under way when its subscription is
// closed.
type Handler interface {
	// Invalidate is called when the key was written, deleted or evicted, or has expired. It is
	// borrowed.
	Invalidate(key []byte)
	// Flush is called when any key may have been: after FLUSHALL, and when a connection was made
	// or lost, or a master has lost slots.
	Flush()
}

// A StateHandler is a Handler that is told when the State of its subscription has changed.
// The calls come one after another, and none after its Close has returned.
type StateHandler interface {
	Handler
	StateChanged(connected bool, cause error)
}

// An Epoch is a time in which one master was listened to without a gap. A value that was read
// from the master after the epoch began, and of whose key nothing was heard since, is served
// while the epoch is proven. An epoch that has ended does not begin again.
type Epoch struct {
	confirmed atomic.Int64 // up to when everything has been heard, in nanoseconds of Now
	ended     atomic.Bool
	unused    atomic.Bool // nobody has asked since the last beat
	node      *node
}

// Proven reports whether everything that was written up to bound before now has been heard.
//
// That is so when a PING that was sent later than that, and two more, each sent after the
// answer to the one before, have been answered: Redis 8 with io-threads sends some answers
// before the invalidations of writes that it has acknowledged.
func (e *Epoch) Proven(now int64, bound time.Duration) bool {
	if e.unused.Load() {
		e.use()
	}
	return !e.ended.Load() && now-e.confirmed.Load() <= int64(bound)
}

// use notes that somebody asks, after a time in which nobody did.
func (e *Epoch) use() {
	if !e.unused.Swap(false) || !e.node.idle.Load() {
		return
	}
	select {
	case e.node.wake <- struct{}{}:
	default:
	}
}

// start is what Now counts from.
var start = time.Now()

// Now returns the time of the monotonic clock, in nanoseconds since the program began.
func Now() int64 { return int64(time.Since(start)) }
