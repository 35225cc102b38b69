package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A NearState says whether the near cache of a cache is told of writes, see Config.Near.
type NearState uint8

const (
	// NearOff: there is no near cache, or it is TTLOnly.
	NearOff NearState = iota
	// NearConnected: Redis tells of each write.
	NearConnected
	// NearDisconnected: Redis does not. Nothing is served from memory.
	NearDisconnected
)

// String returns the name of the state.
func (s NearState) String() string { return name(s, "NearOff", "NearConnected", "NearDisconnected") }

// A NearEvent is a change of the NearState of a cache.
type NearEvent struct {
	Cache string
	State NearState
	Err   error // with NearDisconnected, why
}

func (o *observer) near(e NearEvent) {
	f := o.hears().Near
	if f == nil {
		return
	}
	ctx := context.Background()
	defer o.contain(ctx)
	e.Cache = o.cache
	f(ctx, e)
}

// nearChanges has changes told on a goroutine that runs while there are any: what is told must
// not delay what the listener hears.
type nearChanges struct {
	tell func(NearEvent) // nil: nobody is told

	mu      sync.Mutex // guards all below
	untold  []NearEvent
	telling bool
	teller  sync.WaitGroup
}

// maxUntold is how many changes wait for an observer that does not return.
const maxUntold = 64

func (c *nearChanges) add(connected bool, cause error) {
	if c.tell == nil {
		return
	}
	e := NearEvent{State: NearConnected}
	if !connected {
		e.State, e.Err = NearDisconnected, cause
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.untold = append(c.untold, e); len(c.untold) > maxUntold {
		c.untold = c.untold[1:]
	}
	if !c.telling {
		c.telling = true
		c.teller.Go(c.run)
	}
}

func (c *nearChanges) run() {
	for {
		c.mu.Lock()
		if len(c.untold) == 0 {
			c.telling = false
			c.mu.Unlock()
			return
		}
		e := c.untold[0]
		c.untold = c.untold[1:]
		c.mu.Unlock()
		c.tell(e)
	}
}

// nearHits counts hits, in several places: callers of one hot key on many processors would wait
// for each other at one.
type nearHits [8]struct {
	present, stale, absent atomic.Uint64
	_                      [40]byte // to the end of the cache line
}

// add counts a hit in a place that is chosen by the low ones of some random bits.
func (n *nearHits) add(s State, random uint32) {
	at := &n[random%uint32(len(n))]
	switch s {
	case Present:
		at.present.Add(1)
	case Stale:
		at.stale.Add(1)
	case Absent:
		at.absent.Add(1)
	}
}

// sums returns the hits so far.
func (n *nearHits) sums() (present, stale, absent uint64) {
	for i := range n {
		present += n[i].present.Load()
		stale += n[i].stale.Load()
		absent += n[i].absent.Load()
	}
	return present, stale, absent
}

// addNear adds what the near cache counts.
func (c *core) addNear(s *Stats) {
	if c.near == nil {
		return
	}
	present, stale, absent := c.near.hits.sums()
	s.Hits += present + stale
	s.StaleHits += stale
	s.AbsentHits += absent
	s.NearHits, s.NearAbsentHits = present+stale+absent, absent
	held := c.near.tier.Stats()
	s.NearEntries, s.NearBytes = held.Entries, held.Bytes
	s.NearEvictions, s.NearInvalidations, s.NearFlushes = held.Evictions, held.Invalidations, held.Flushes
	s.NearState = c.near.state()
}

// foundNear tells the observer what a lookup has found in the near cache, which began at a time.
func (c *core) foundNear(ctx context.Context, op Op, key string, s State, left time.Duration, took time.Duration) {
	e := LookupEvent{Key: key, Source: Near, State: s, Duration: took}
	if op == OpEntry {
		e.TTL = c.nearTTL(s, left)
	}
	c.observer.lookup(ctx, e)
}

// nearTTL is remainingTTL of what is left of Redis's own entry.
func (c *core) nearTTL(s State, left time.Duration) time.Duration {
	if left == Forever || s == Stale {
		return left
	}
	return max(left-c.staleFor, 0)
}
