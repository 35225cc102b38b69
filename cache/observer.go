package cache

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// An Observer is told what a cache does. Its functions are optional. They are
// called on the goroutine that does the work, by many at once, without a lock, and
// should be quick. A panic in one is contained and told to Error. A context that
// is passed in carries the values of the call.
//
// Error hears of every failure but those of states that last: that Redis has no memory,
// that an ACL refuses what the cache needs, that Redis runs no scripts, that its breaker is
// open. Of each of these it hears at once when a call first meets it, and then every ten
// seconds at most while calls go on to meet it. That a cache goes without leases, as Redis
// refuses scripts or control keys, it hears once, when that begins. Stats and the outcomes of
// Write have them all.
//
// A function that uses the cache hears of that as well: a Write that deletes has to leave
// the event of its own Delete alone.
type Observer struct {
	// Lookup is called when a call has looked a key up.
	Lookup func(ctx context.Context, e LookupEvent)
	// StartLoad is called when a loader is about to run, and returns the context that it runs in:
	// ctx, or one that is derived from it, with a span for example. That is also the ctx of Load,
	// which follows in any case. nil counts as ctx, and so does a panic.
	StartLoad func(ctx context.Context, e LoadStart) context.Context
	// Load is called when a loader has run.
	Load func(ctx context.Context, e LoadEvent)
	// Wait is called when a call has waited for a loader that another call of this process has
	// started, or that runs in the background, whatever came of it: once for each run, before the
	// call returns. It does not hear of loaders in other processes, nor of one that has not begun
	// when the call leaves.
	Wait func(ctx context.Context, e WaitEvent)
	// Write is called when an entry was stored or deleted, or was not: see Op and Outcome.
	Write func(ctx context.Context, e WriteEvent)
	// Error is called when the cache met a failure, whether or not the caller did.
	Error func(ctx context.Context, err *Error)
	// Breaker is called when the breaker of the cache's client has opened or closed, on a
	// goroutine of its own: in the order of the changes, and with a context without values.
	Breaker func(ctx context.Context, e BreakerEvent)
	// Delivery is called once for each key of which Redis did not acknowledge a write, when that
	// is made up for or given up, on any goroutine, and with a context without values.
	Delivery func(ctx context.Context, e DeliveryEvent)
	// Near is called when Redis has begun or ceased to tell the near cache of writes, as Breaker is.
	Near func(ctx context.Context, e NearEvent)
	// Audit is called when a hit was compared with the source, see Config.Audit, on a goroutine of
	// its own.
	Audit func(ctx context.Context, e AuditEvent)
	// Hot is called when a key has become hot, see Cache.HotKeys.
	Hot func(ctx context.Context, e HotEvent)
}

// A LookupEvent is what a call found before any load. A call that Redis did not answer, or
// not before the caller left, has found State Unknown, from None.
//
// How old a value is Redis cannot tell, see Entry.
type LookupEvent struct {
	Cache  string
	Key    string // the Redis key
	Source Source
	State  State
	// Outdated tells that the State is Missing as the entry lacked a field that is always
	// stored: it is one of another version, see codec.ErrOutdated. The next load replaces it.
	Outdated bool
	// Err is the *RememberedError with which the call ends, see Config.ErrorTTL: it begins no load.
	Err error
	// TTL is the remaining TTL where the call has asked for it, as Entry does, Forever for no
	// end; otherwise 0.
	TTL      time.Duration
	Duration time.Duration
}

// A LoadEvent is one run of a loader.
type LoadEvent struct {
	Cache    string
	Keys     []string // the Redis keys
	Callers  int      // the calls that shared it so far
	Duration time.Duration
	Outcome  Outcome
	// Err is the loader's error, nil with LoadOK. With LoadCancelled it is what the loader said
	// of that, with LoadPanicked an *Error with the stack.
	Err error
	// Background tells that no caller waited for the load from the start: it refreshes what is
	// stale or soon to be, see Config.StaleFor, or is one of an audit. Callers counts the call that
	// began it.
	Background bool
	// Audit tells that what was loaded is compared with an entry, see Config.Audit.
	Audit bool
}

// An Outcome is how a load ended.
type Outcome uint8

const (
	LoadOK        Outcome = iota // with a value
	LoadNotFound                 // the source has none
	LoadFailed                   // with an error
	LoadPanicked                 // with a panic or runtime.Goexit
	LoadCancelled                // with an error, after all callers had left or Close was called
)

// String returns the name of the outcome.
func (o Outcome) String() string {
	return name(o, "LoadOK", "LoadNotFound", "LoadFailed", "LoadPanicked", "LoadCancelled")
}

// A WriteEvent is one entry on its way into Redis, or out of it. There is one for each key
// that a loader has returned a result for or that was upgraded, and for each key of a Set,
// SetMany, SetIfAbsent, SetAbsent, Delete or Touch that got as far as the value.
type WriteEvent struct {
	Cache string
	// Op is the method that was called; for a load, that of the call whose loader ran.
	Op      Op
	Key     string        // the Redis key
	State   State         // Present for a value, Absent for "does not exist", Missing for a Delete
	Bytes   int           // of the encoded value; 0 if there is none, as for a Touch
	TTL     time.Duration // what Redis is given, StaleFor included, Forever for none; 0 for nothing
	Outcome WriteOutcome  // WriteOK, or why it was not done
	// Err is what a Delete, a Set or the like returns; for a load, the failure of its store.
	Err    error
	Fenced bool // Outcome is WriteFenced
	// Upgraded tells that the value was made of one of the version before, in place of a load:
	// see Config.Upgrade.
	Upgraded bool
}

// Join returns an Observer that tells all of the given ones, in their order.
func Join(observers ...Observer) Observer {
	var joined Observer
	for _, o := range observers {
		joined.Lookup = then(joined.Lookup, o.Lookup)
		joined.StartLoad = startBoth(joined.StartLoad, o.StartLoad)
		joined.Load = then(joined.Load, o.Load)
		joined.Wait = then(joined.Wait, o.Wait)
		joined.Write = then(joined.Write, o.Write)
		joined.Error = then(joined.Error, o.Error)
		joined.Breaker = then(joined.Breaker, o.Breaker)
		joined.Delivery = then(joined.Delivery, o.Delivery)
		joined.Near = then(joined.Near, o.Near)
		joined.Audit = then(joined.Audit, o.Audit)
		joined.Hot = then(joined.Hot, o.Hot)
	}
	return joined
}

func then[E any](first, second func(context.Context, E)) func(context.Context, E) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(ctx context.Context, e E) {
		defer second(ctx, e) // also after a panic of the first
		first(ctx, e)
	}
}

// observer calls an Observer's functions and contains their panics. It does not refer to the
// cache, so that what tells it of Redis does not keep the cache from being collected.
type observer struct {
	cache string
	own   *Observer                // of the Config, and of the defaults of the registry
	told  atomic.Pointer[Observer] // own, and joined after it

	mu     sync.Mutex // guards joined, and changes of told
	joined []joinedObserver
}

func newObserver(cache string, own Observer) *observer {
	o := &observer{cache: cache, own: &own}
	o.told.Store(o.own)
	return o
}

// hears returns the functions that are told of things now.
func (o *observer) hears() *Observer { return o.told.Load() }

func (o *observer) lookup(ctx context.Context, e LookupEvent) {
	if f := o.hears().Lookup; f != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		f(ctx, e)
	}
}

func (o *observer) load(ctx context.Context, e LoadEvent) {
	if f := o.hears().Load; f != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		f(ctx, e)
	}
}

func (o *observer) write(ctx context.Context, e WriteEvent) {
	if f := o.hears().Write; f != nil {
		defer o.contain(ctx)
		e.Cache, e.Fenced = o.cache, e.Outcome == WriteFenced
		f(ctx, e)
	}
}

func (o *observer) survived(ctx context.Context, err *Error) {
	if f := o.hears().Error; f != nil {
		defer func() { _ = recover() }() // there is nobody left to tell
		f(ctx, err)
	}
}

func (o *observer) contain(ctx context.Context) {
	if r := recover(); r != nil {
		o.panicked(ctx, r)
	}
}

func (o *observer) panicked(ctx context.Context, value any) {
	o.survived(ctx, &Error{Op: "Observer", Cache: o.cache, Kind: ErrPanic, Err: fmt.Errorf("in a function of the observer, with a value of type %T", value)})
}
