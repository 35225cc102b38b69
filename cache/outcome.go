package cache

import (
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/store"
)

// A WriteOutcome is what has become of an entry on its way into Redis.
type WriteOutcome uint8

const (
	// WriteOK: it was stored, or deleted, or has its new TTL.
	WriteOK WriteOutcome = iota
	// WriteFenced: a write of the key came after the load began, or the lease was lost.
	WriteFenced
	// WriteOutOfMemory: Redis has reached maxmemory, and its policy is noeviction.
	WriteOutOfMemory
	// WriteTooLarge: a part of the value is longer than Redis takes, by its proto-max-bulk-len.
	WriteTooLarge
	// WriteNoPermission: an ACL of Redis refuses a command or key (NOPERM).
	WriteNoPermission
	// WriteNoScripts: Redis runs no scripts, which leases need.
	WriteNoScripts
	// WriteRedisFailed: Redis did not answer, or with another error, to the store or before the
	// load.
	WriteRedisFailed
	// WriteNotEncoded: the codec returned an error.
	WriteNotEncoded
	// WriteExpired: the lifetime of the value is over.
	WriteExpired
	// WriteNoStore: the loader asked that it is not stored.
	WriteNoStore
	// WriteAbsentOff: the source has no value, and AbsentTTL is Off.
	WriteAbsentOff
	// WriteCancelled: nobody waited any longer: all callers had left, or LoadTimeout had passed.
	WriteCancelled
	// WriteUnchanged: there was nothing to do: SetIfAbsent found a value, or Touch none.
	WriteUnchanged

	writeOutcomes = iota
)

// String returns the name of the outcome.
func (o WriteOutcome) String() string {
	return name(o, "WriteOK", "WriteFenced", "WriteOutOfMemory", "WriteTooLarge", "WriteNoPermission", "WriteNoScripts",
		"WriteRedisFailed", "WriteNotEncoded", "WriteExpired", "WriteNoStore", "WriteAbsentOff", "WriteCancelled", "WriteUnchanged")
}

// lasts reports whether the next writes are likely to meet the same.
func (o WriteOutcome) lasts() bool {
	return o == WriteOutOfMemory || o == WriteNoPermission || o == WriteNoScripts
}

// outcomeOf returns the outcome of a write for which the store returned err.
func outcomeOf(err error) WriteOutcome { return WriteOutcome(protocol.OutcomeOf(err)) }

// notEncoded returns the outcome of a write whose value encode refused with err.
func notEncoded(err error) WriteOutcome {
	if store.IsTooLarge(err) {
		return WriteTooLarge
	}
	return WriteNotEncoded
}

// reminderInterval is how often an observer hears of a state that lasts.
const reminderInterval = 10 * time.Second

// reminders bound how often an observer hears of states of Redis that fail call after call:
// at once when one begins, and then at intervals while calls meet it. Time is read only
// when a call fails.
type reminders struct {
	start time.Time                   // of the cache
	next  [writeOutcomes]atomic.Int64 // by outcome, after start; 0 before the first
}

// due reports whether the observer is to hear of o now.
func (r *reminders) due(o WriteOutcome) bool {
	now := int64(time.Since(r.start))
	next := r.next[o].Load()
	return now >= next && r.next[o].CompareAndSwap(next, now+int64(reminderInterval))
}
