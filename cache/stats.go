package cache

import (
	"sync/atomic"

	"github.com/asidecache/aside/internal/protocol"
)

// Stats are counts since the cache was made, of this process alone. Each count is
// exact; together they are no snapshot of one moment. When nothing is under way they add
// up: each lookup is in one of the first four, and Loaded is LoadStores and NotStored.
// LoadsAbandoned alone goes down as well.
type Stats struct {
	Hits       uint64 // lookups that found a value, stale or not
	AbsentHits uint64 // lookups that found that the source has none
	Misses     uint64 // lookups that found neither
	Unanswered uint64 // lookups that Redis did not answer, or not before the caller left

	StaleHits    uint64 // of Hits, those that found a value beyond its TTL
	StaleOnError uint64 // calls with NoStale that what is stale answered, as their loads failed

	Loads          uint64 // runs of a loader, one for all keys of a batch
	Refreshes      uint64 // of these, in the background, of entries that were stale or soon to be
	AuditLoads     uint64 // of Loads, of audits, see Config.Audit
	LoadErrors     uint64 // of Loads, ended by an error other than ErrNotFound, or a panic
	LoadsCancelled uint64 // of Loads, ended by an error after all callers had left: no LoadErrors
	Shared         uint64 // calls served by another call's load
	Remembered     uint64 // calls that got an error of an earlier load, see Config.ErrorTTL

	// LoadsAbandoned is how many loaders run now that nobody waits for: LoadTimeout has passed,
	// or all callers have left, and they have not returned though their contexts have ended.
	// Each keeps its place under MaxLoads, and keeps Close waiting, until it returns.
	LoadsAbandoned uint64

	Loaded     uint64 // keys for which a loader returned a value, or that there is none; and those upgraded
	Upgraded   uint64 // of these, made of a value of the version before, without a loader: see Config.Upgrade
	LoadStores uint64 // of Loaded, stored; each other one is in one of the counts down to Cancelled

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
	NotAsked    uint64 // of these, answered by the breaker at once

	Breaker       BreakerState // now: open if a server of the client is not asked
	BreakerOpened uint64       // how often it has opened, for all caches of the client

	Undelivered     uint64 // now: keys to be deleted as Redis did not acknowledge a write, of all caches of the client
	Delivered       uint64 // of those of this cache, that Redis has acknowledged: DeliveryDone
	DeliveryGivenUp uint64 // DeliveryGivenUp
	Bypassed        bool   // now: no key is cached: BypassBegan
	Unsettled       uint64 // now: keys deleted again for 30 s, as a failed write of them may still be carried out, of all caches of the client

	Replayed    uint64 // deletes sent again, twice for a key, as a failover may have forgotten its write, of all caches of the client
	NotReplayed uint64 // writes that would not be followed by them, as there were more than 50,000 within 30 s, of all caches of the client

	NearHits          uint64    // of Hits and AbsentHits, those that the near cache has answered
	NearAbsentHits    uint64    // of these, those of AbsentHits
	NearEntries       int64     // in the near cache now
	NearBytes         int64     // of these, as MaxBytes counts them
	NearEvictions     uint64    // entries that have made room for others
	NearInvalidations uint64    // entries that were removed as their keys were written
	NearFlushes       uint64    // times when all entries were dropped
	NearState         NearState // now

	AuditsEqual     uint64 // AuditEqual
	AuditsOvertaken uint64 // AuditOvertaken
	AuditsLate      uint64 // AuditLate
	AuditsMissed    uint64 // AuditMissed
	AuditsFailed    uint64 // audits without a result, as Redis or the loader has failed
	AuditsRepaired  uint64 // of AuditsMissed, those whose entries were replaced

	HotKeys  int     // now: keys of this cache that Cache.HotKeys names
	HotShare float64 // now: the Share of the first of them
}

// NotStored returns how many of Loaded were not stored, for whatever reason.
func (s Stats) NotStored() uint64 {
	return s.Fenced + s.OutOfMemory + s.TooLarge + s.NoPermission + s.NoScripts + s.StoreErrors +
		s.NotEncoded + s.Expired + s.NoStore + s.AbsentOff + s.Cancelled
}

// counters are kept apart from what is read all the time.
type counters struct {
	hits, absentHits, misses, unanswered      atomic.Uint64
	staleHits, staleOnError, refreshes        atomic.Uint64
	loads, loadErrors, loadsCancelled, shared atomic.Uint64
	loaded, upgraded, remembered              atomic.Uint64
	commits                                   [writeOutcomes]atomic.Uint64 // what became of loaded
	stores, broken, outdated                  atomic.Uint64
	redisErrors, notAsked                     atomic.Uint64
	delivered, givenUp                        atomic.Uint64
	audits                                    [protocol.AuditFailed + 1]atomic.Uint64
	auditLoads, auditsRepaired                atomic.Uint64
}

// Stats returns the counts so far.
func (c *Cache[K, V]) Stats() Stats { return c.core.snapshot() }

func (c *core) snapshot() Stats {
	n := &c.stats
	committed := func(o WriteOutcome) uint64 { return n.commits[o].Load() }
	undelivered, bypassed := c.store.Undelivered()
	replayed, notReplayed := c.store.Journal()
	s := Stats{
		Hits: n.hits.Load(), AbsentHits: n.absentHits.Load(), Misses: n.misses.Load(), Unanswered: n.unanswered.Load(),
		StaleHits: n.staleHits.Load(), StaleOnError: n.staleOnError.Load(), Refreshes: n.refreshes.Load(),
		Loads: n.loads.Load(), LoadErrors: n.loadErrors.Load(), LoadsCancelled: n.loadsCancelled.Load(), Shared: n.shared.Load(), Remembered: n.remembered.Load(),
		LoadsAbandoned: uint64(c.engine.Abandoned()),
		Loaded:         n.loaded.Load(), Upgraded: n.upgraded.Load(), LoadStores: committed(WriteOK),
		Fenced: committed(WriteFenced), OutOfMemory: committed(WriteOutOfMemory), TooLarge: committed(WriteTooLarge),
		NoPermission: committed(WriteNoPermission), NoScripts: committed(WriteNoScripts), StoreErrors: committed(WriteRedisFailed),
		NotEncoded: committed(WriteNotEncoded), Expired: committed(WriteExpired), NoStore: committed(WriteNoStore),
		AbsentOff: committed(WriteAbsentOff), Cancelled: committed(WriteCancelled),
		Unleased: c.engine.Unleased(),
		Stores:   n.stores.Load(), Broken: n.broken.Load(), Outdated: n.outdated.Load(), RedisErrors: n.redisErrors.Load(),
		NotAsked: n.notAsked.Load(), Breaker: c.breakerState(), BreakerOpened: c.store.BreakerOpened(),
		Undelivered: uint64(undelivered), Delivered: n.delivered.Load(), DeliveryGivenUp: n.givenUp.Load(), Bypassed: bypassed,
		Unsettled: uint64(c.store.Unsettled()), Replayed: replayed, NotReplayed: notReplayed,
	}
	c.addNear(&s)
	c.addAudits(&s)
	c.addHot(&s)
	return s
}

func (n *counters) lookup(s State) {
	switch s {
	case Stale:
		n.staleHits.Add(1)
		n.hits.Add(1)
	case Present:
		n.hits.Add(1)
	case Absent:
		n.absentHits.Add(1)
	case Missing:
		n.misses.Add(1)
	case Unknown:
		n.unanswered.Add(1)
	}
}
