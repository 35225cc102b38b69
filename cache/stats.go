package cache

import "sync/atomic"

// Stats are counts since the cache was made, of this process alone. Each count is
// exact; together they are no snapshot of one moment.
type Stats struct {
	Hits        uint64 // lookups that found a value
	AbsentHits  uint64 // lookups that found that the source has none
	Misses      uint64 // lookups that found neither
	Loads       uint64 // runs of a loader
	LoadErrors  uint64 // of these, ended by an error other than ErrNotFound, or a panic
	Shared      uint64 // calls served by another call's load
	Stores      uint64 // entries stored
	Fenced      uint64 // loaded entries not stored because a write came first
	Broken      uint64 // entries found that could not be decoded
	RedisErrors uint64 // failures of Redis
}

// counters are kept apart from what is read all the time.
type counters struct {
	hits, absentHits, misses  atomic.Uint64
	loads, loadErrors, shared atomic.Uint64
	stores, fenced            atomic.Uint64
	broken, redisErrors       atomic.Uint64
}

// Stats returns the counts so far.
func (c *Cache[K, V]) Stats() Stats {
	n := &c.core.stats
	return Stats{
		Hits: n.hits.Load(), AbsentHits: n.absentHits.Load(), Misses: n.misses.Load(),
		Loads: n.loads.Load(), LoadErrors: n.loadErrors.Load(), Shared: n.shared.Load(),
		Stores: n.stores.Load(), Fenced: n.fenced.Load(),
		Broken: n.broken.Load(), RedisErrors: n.redisErrors.Load(),
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
	}
}
