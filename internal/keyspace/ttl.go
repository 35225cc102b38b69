package keyspace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// The settings of a Config that leaves them out.
const (
	DefaultJitter       = 0.1
	DefaultRedisTimeout = time.Second
)

// ValidTTL reports whether Redis can keep a value for d.
func ValidTTL(d time.Duration) bool { return d == store.Forever || d >= time.Millisecond }

// CheckTTLOption returns the error of an option TTL(d) that is invalid.
func CheckTTLOption(d time.Duration) error {
	if ValidTTL(d) {
		return nil
	}
	return fmt.Errorf("the option TTL(%v) is neither Forever nor at least 1ms", d)
}

// StoredTTL is what Redis is given for a TTL, after which a value is stale for a while longer, or
// not at all.
func StoredTTL(ttl time.Duration, jitter float64, staleFor time.Duration) time.Duration {
	if ttl = Shorten(ttl, jitter); ttl != store.Forever {
		ttl += min(staleFor.Truncate(time.Millisecond), math.MaxInt64-ttl)
	}
	return ttl
}

// Shorten applies the jitter to a TTL, in the whole milliseconds that Redis counts.
// A TTL is never lengthened, nor shortened below a millisecond.
func Shorten(ttl time.Duration, jitter float64) time.Duration {
	if ttl == store.Forever {
		return ttl
	}
	if jitter > 0 {
		ttl -= time.Duration(jitter * rand.Float64() * float64(ttl))
	}
	return max(ttl.Truncate(time.Millisecond), time.Millisecond)
}
