package cache

import (
	"time"

	"github.com/asidecache/aside/internal/keyspace"
)

// defaultAbsentTTL is the most that an absent mark lives by default.
const defaultAbsentTTL = time.Minute

// shorten applies the cache's jitter to a TTL.
func (c *core) shorten(ttl time.Duration) time.Duration {
	return keyspace.Shorten(ttl, c.jitter)
}

// lifetime returns the TTL that a value is stored with: of the call, of the loaded
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
	return c.core.shorten(ttl), true
}

// absentTTL returns how long a loader's "does not exist" is kept, false for not at
// all.
func (c *core) absentTTL() (ttl time.Duration, ok bool) {
	if c.absent == Off {
		return 0, false
	}
	return c.shorten(c.absent), true
}
