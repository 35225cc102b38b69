package cache

import (
	"time"

	"github.com/asidecache/aside/internal/keyspace"
)

// defaultAbsentTTL is the most that an absent mark lives by default.
const defaultAbsentTTL = time.Minute

// storedTTL is what Redis is given for a TTL: shortened by the cache's jitter, and with StaleFor
// behind it.
func (c *core) storedTTL(ttl time.Duration) time.Duration {
	ttl = keyspace.StoredTTL(ttl, c.jitter, c.staleFor)
	c.longest.note(ttl)
	return ttl
}

// remainingTTL is what is left of the TTL of what a lookup has found, by what Redis has left of it;
// of a stale value, what Redis has.
func (c *core) remainingTTL(l *lookup) time.Duration {
	left := l.entry.TTL
	switch {
	case l.state == Missing:
		return 0
	case c.staleFor == 0 || left == Forever || l.state == Stale:
		return left
	case l.state == Absent && l.entry.Leased: // it is the TTL of the lease
		return 0
	}
	return max(left-c.staleFor, 0)
}

// lifetime returns what Redis is given for the TTL of a value: of the call, of the loaded
// entry, of the value, of the cache, in this order. It reports false for one whose
// lifetime is over.
func (c *Cache[K, V]) lifetime(s settings, loaded time.Duration, key K, v *V) (ttl time.Duration, ok bool) {
	ttl = s.ttl
	if ttl == 0 {
		ttl = loaded
	}
	if ttl == 0 && c.ttlFor != nil {
		ttl = c.ttlFor(key, v)
	}
	if ttl == 0 {
		ttl = c.core.ttl
	}
	if !keyspace.ValidTTL(ttl) {
		return 0, false
	}
	return c.core.storedTTL(ttl), true
}

// absentTTL returns how long a loader's "does not exist" is kept, false for not at
// all.
func (c *core) absentTTL() (ttl time.Duration, ok bool) {
	if c.absent == Off {
		return 0, false
	}
	return c.storedTTL(c.absent), true
}
