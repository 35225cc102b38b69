package protocol

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// Off is the Lease of a cache without leases.
const Off time.Duration = -1

// A Config is what an Engine works by.
type Config struct {
	Store        *store.Store
	Previous     *store.Store // of the values of the version before, which are upgraded; nil: none are
	Reporter     Reporter
	Lease        time.Duration // of a key, or Off
	LoadTimeout  time.Duration // of each run of a loader
	RedisTimeout time.Duration // for all that a call asks Redis
	MaxLoads     int           // how many loads run at once; 0: no limit
	FailFast     bool          // a call that Redis fails does not load
	StaleFor     time.Duration // that entries are kept beyond their TTLs; 0: they are not
	Audits       AuditConfig   // of hits
	ErrorTTL     time.Duration // that the error of a load is remembered; 0: it is not
	Waker        *Waker        // of flights that wait for other processes; nil: nobody tells of writes
}

// An Engine runs the protocol for the keys of one cache. It is safe for concurrent use.
type Engine struct {
	Config

	flights    flight.Group[*Result]
	degraded   flight.Group[*Result]  // of calls that Redis has failed
	audits     *flight.Group[*Result] // which have no callers; nil: there are none
	limit      loadLimit
	auditLimit loadLimit // beside limit
	reads      sharedReads
	predictor  missPredictor
	refreshes  refreshes
	failures   *failures      // nil: no error is remembered
	abandoned  atomic.Int64   // loaders that run though their contexts have ended
	entries    sync.Pool      // of *store.Entry, which nothing refers to
	leases     sync.WaitGroup // leases to be released, and what keeps them alive
	unleased   atomic.Uint64  // loads without a lease, as Redis refuses what it needs
	uncertain  atomic.Int64   // leases of which it is not known whether there are any
	closing    chan struct{}  // closed by Close
}

// New returns an engine.
func New(c Config) *Engine {
	e := &Engine{Config: c, closing: make(chan struct{})}
	e.limit.init(c.MaxLoads)
	if c.Audits.Grace > 0 {
		e.audits = new(flight.Group[*Result])
		e.auditLimit.init(c.Audits.Loads)
	}
	e.reads.inFlight = readCountsOf.Of(c.Store.Redis())
	e.predictor.deleted = deletionsOf.Of(c.Store.Redis())
	if e.Waker == nil {
		e.Waker = new(Waker)
	}
	e.failures = newFailures(c.ErrorTTL)
	return e
}

// Unleased returns how many keys were loaded without a lease, as Redis refuses what those need.
func (e *Engine) Unleased() uint64 { return e.unleased.Load() }

// Running returns the flights whose functions run, with and without Redis.
func (e *Engine) Running() []flight.Running {
	return append(e.flights.Running(), e.degraded.Running()...)
}

// End fails all flights, cancels the contexts of loaders, and returns when all that the
// engine has started has ended. It must be called once.
func (e *Engine) End() {
	close(e.closing)
	var audits sync.WaitGroup
	if e.audits != nil {
		audits.Go(e.audits.Close)
	}
	e.flights.Close()
	e.degraded.Close()
	audits.Wait()
	e.leases.Wait()
	e.reads.close()
}

// Close closes the stores of an engine that has ended.
func (e *Engine) Close() {
	e.Store.Close()
	if e.Previous != nil {
		e.Previous.Close()
	}
}

// entry returns an entry that nothing refers to.
func (e *Engine) entry() *store.Entry {
	if entry, ok := e.entries.Get().(*store.Entry); ok {
		return entry
	}
	return new(store.Entry)
}

// giveBack takes an entry that no command uses any more, and no result.
func (e *Engine) giveBack(entry *store.Entry) {
	entry.Release()
	e.entries.Put(entry)
}
