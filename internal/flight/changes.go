package flight

import (
	"hash/maphash"
	"sync/atomic"
)

// changes are the flights that have ended with a store and the writes that have ended, of all keys
// of a group. They are added with Group.mu held, and read without.
type changes struct {
	count  atomic.Uint64
	latest atomic.Pointer[latestChanges] // nil until somebody wants to know
}

// The latestChanges are hashes of the keys of the latest changes: that of the n-th change at n
// modulo their number.
type latestChanges [1024]atomic.Uint64

// Changes counts the flights that have ended with a store and the writes that have ended so far:
// for ChangedSince.
func (g *Group[R]) Changes() uint64 {
	if g.changes.latest.Load() == nil {
		g.mu.Lock()
		g.changes.latest.CompareAndSwap(nil, new(latestChanges))
		g.mu.Unlock()
	}
	return g.changes.count.Load()
}

// ChangedSince reports whether, since Changes has returned a count, a flight for key has ended
// with a store or a write of it has ended. It also reports true where so much has changed that
// nobody knows.
func (g *Group[R]) ChangedSince(key string, count uint64) bool {
	now, latest := g.changes.count.Load(), g.changes.latest.Load()
	if now == count {
		return false
	}
	size, hash := uint64(len(latest)), hashOf(key)
	for n := count; n != now && now-count < size; n++ {
		if latest[n%size].Load() == hash {
			return true
		}
	}
	return g.changes.count.Load()-count >= size // some are, or may have been, replaced meanwhile
}

// add counts a change of key. It is called with Group.mu held.
func (c *changes) add(key string) {
	n := c.count.Load()
	if latest := c.latest.Load(); latest != nil {
		latest[n%uint64(len(latest))].Store(hashOf(key))
	}
	c.count.Store(n + 1)
}

var seed = maphash.MakeSeed()

func hashOf(key string) uint64 { return maphash.String(seed, key) }
