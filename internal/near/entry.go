package near

import (
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/tracking"
)

const (
	// Bound is for how long after a write by another process an entry is served at most: what is
	// promised is a second, and a caller may be slow to take what it has found.
	Bound = 950 * time.Millisecond

	// Forever is the end of an entry that Redis keeps without one.
	Forever int64 = math.MaxInt64

	dead int64 = math.MinInt64 // of until
)

// seed is that of all hashes.
var seed = maphash.MakeSeed()

// Hash returns what an entry is found by. Different keys may have one hash.
func Hash[K comparable](key K) uint64 { return maphash.Comparable(seed, key) }

// An Entry is what the tier knows of an entry. It does not change once it was installed.
type Entry struct {
	// Owner is what embeds it, with the key and the value: that is found by it without the tier
	// knowing their types, and in one allocation.
	Owner any
	// Hash is that of the key, and Size what the entry counts under MaxBytes.
	Hash uint64
	Size uint32
	// Absent tells that the source has no value. Brief tells that what ends the entry may go
	// unheard, as is so of all that has no value key in Redis.
	Absent, Brief bool
	// TTL is what Redis had left of the entry after the ticket was issued, negative for no end;
	// and Took how long it had taken then to ask for it.
	TTL, Took time.Duration

	until atomic.Int64 // the time when it is served no more; dead: at once
	ends  int64        // the time when Redis's own entry ends, or Forever
	sent  int64        // the ticket's
	text  uint64       // the ticket's
	epoch *tracking.Epoch
}

// Left returns what Redis has left of the entry at a time, or a little less; negative for no end.
func (e *Entry) Left(now int64) time.Duration {
	if e.ends == Forever {
		return -1
	}
	return time.Duration(max(e.ends-now, 0))
}

// servedUntil is the time until which an entry of a tier may be served.
func (e *Entry) servedUntil(ttl time.Duration) int64 {
	if e.Brief {
		ttl = min(ttl, Bound)
	}
	return min(e.ends, e.sent+int64(ttl))
}

// isServed reports whether the entry may be served at a time.
func (e *Entry) isServed(now int64) bool {
	return now < e.until.Load() && (e.epoch == nil || e.epoch.Proven(now, Bound))
}

// kill makes sure that the entry is served no more, and reports whether it was.
func (e *Entry) kill() bool { return e.until.Swap(dead) != dead }

func (e *Entry) isDead() bool { return e.until.Load() == dead }

const (
	// Overhead is about what the tier itself needs for an entry, in bytes, beside what its owner
	// allocates: the places in otter and in the index.
	Overhead = 250
	// MaxSize is the most that an entry can count under MaxBytes.
	MaxSize = math.MaxUint32
)
