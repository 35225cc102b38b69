package cache

import (
	"math/rand/v2"
	"time"
)

// defaultAbsentTTL is the most that an absent mark lives by default.
const defaultAbsentTTL = time.Minute

// shorten applies the jitter to a TTL, in the whole milliseconds that Redis
// counts. A TTL is never lengthened, nor shortened below a millisecond.
func (c *core) shorten(ttl time.Duration) time.Duration {
	if ttl == Forever {
		return Forever
	}
	if c.jitter > 0 {
		ttl -= time.Duration(c.jitter * rand.Float64() * float64(ttl))
	}
	return max(ttl.Truncate(time.Millisecond), time.Millisecond)
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
	if !validTTL(ttl) {
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
