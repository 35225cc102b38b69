package cache

import "sync/atomic"

// Stats are counts since the cache was made, of this process alone. Each count is
// exact; together they are no snapshot of one moment. When nothing is under way they add
// up: each lookup is in one of the first four, and Loaded is LoadStores and NotStored.
type Stats struct {
	Hits       uint64 // lookups that found a value
	AbsentHits uint64 // lookups that found that the source has none
	Misses     uint64 // lookups that found neither
	Unanswered uint64 // lookups that Redis did not answer, or not before the caller left

	Loads          uint64 // runs of a loader, one for all keys of a batch
	LoadErrors     uint64 // of these, ended by an error other than ErrNotFound, or a panic
	LoadsCancelled uint64 // of these, ended by an error after all callers had left: no LoadErrors
	Shared         uint64 // calls served by another call's load

	Loaded     uint64 // keys for which a loader returned a value, or that there is none
	LoadStores uint64 // of these, stored; each other one is in one of the counts down to Cancelled

	Fenced       uint64 // not stored: WriteFenced
	OutOfMemory  uint64 // not stored: WriteOutOfMemory
	TooLarge     uint64 // not stored: WriteTooLarge
	NoPermission uint64 // not stored: WriteNoPermission
	NoScripts    uint64 // not stored: WriteNoScripts
	StoreErrors  uint64 // not stored: WriteRedisFailed
	NotEncoded   uint64 // not stored: WriteNotEncoded
	Expired      uint64 // not stored: WriteExpired
	NoStore      uint64 // not stored: WriteNoStore
	AbsentOff    uint64 // not stored: WriteAbsentOff
	Cancelled    uint64 // not stored: WriteCancelled

	Unleased uint64 // keys loaded without a lease, as Redis refuses scripts or control keys

	Stores      uint64 // entries stored, by loads and by calls such as Set
	Broken      uint64 // entries found that could not be decoded
	Outdated    uint64 // entries found of another version, see codec.ErrOutdated: none of Broken
	RedisErrors uint64 // failures of Redis
}

// NotStored returns how many results of loaders were not stored, for whatever reason.
func (s Stats) NotStored() uint64 {
	return s.Fenced + s.OutOfMemory + s.TooLarge + s.NoPermission + s.NoScripts + s.StoreErrors +
		s.NotEncoded + s.Expired + s.NoStore + s.AbsentOff + s.Cancelled
}

// counters are kept apart from what is read all the time.
type counters struct {
	hits, absentHits, misses, unanswered      atomic.Uint64
	loads, loadErrors, loadsCancelled, shared atomic.Uint64
	loaded                                    atomic.Uint64
	commits                                   [writeOutcomes]atomic.Uint64 // what became of loaded
	stores, broken, outdated, redisErrors     atomic.Uint64
}

// Stats returns the counts so far.
func (c *Cache[K, V]) Stats() Stats {
	n := &c.core.stats
	committed := func(o WriteOutcome) uint64 { return n.commits[o].Load() }
	return Stats{
		Hits: n.hits.Load(), AbsentHits: n.absentHits.Load(), Misses: n.misses.Load(), Unanswered: n.unanswered.Load(),
		Loads: n.loads.Load(), LoadErrors: n.loadErrors.Load(), LoadsCancelled: n.loadsCancelled.Load(), Shared: n.shared.Load(),
		Loaded: n.loaded.Load(), LoadStores: committed(WriteOK),
		Fenced: committed(WriteFenced), OutOfMemory: committed(WriteOutOfMemory), TooLarge: committed(WriteTooLarge),
		NoPermission: committed(WriteNoPermission), NoScripts: committed(WriteNoScripts), StoreErrors: committed(WriteRedisFailed),
		NotEncoded: committed(WriteNotEncoded), Expired: committed(WriteExpired), NoStore: committed(WriteNoStore),
		AbsentOff: committed(WriteAbsentOff), Cancelled: committed(WriteCancelled),
		Unleased: c.core.engine.Unleased(),
		Stores:   n.stores.Load(), Broken: n.broken.Load(), Outdated: n.outdated.Load(), RedisErrors: n.redisErrors.Load(),
	}
}

func (n *counters) lookup(s State) {
	switch s {
	case Present, Stale:
		n.hits.Add(1)
	case Absent:
		n.absentHits.Add(1)
	case Missing:
		n.misses.Add(1)
	case Unknown:
		n.unanswered.Add(1)
	}
}
