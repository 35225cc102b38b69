package cache

import (
	"context"
	"fmt"
	"time"
)

// An Observer is told what a cache does. Its functions are optional. They are
// called on the goroutine that does the work, by many at once, without a lock, and
// should be quick. A panic in one is contained and told to Error. A context that
// is passed in carries the values of the call.
type Observer struct {
	Lookup func(ctx context.Context, e LookupEvent) // a call has looked a key up
	Load   func(ctx context.Context, e LoadEvent)   // a loader has run
	Write  func(ctx context.Context, e WriteEvent)  // an entry was stored, or was not allowed to be
	Error  func(ctx context.Context, err *Error)    // the cache met a failure, whether or not the caller did
}

// A LookupEvent is what a call found before any load.
type LookupEvent struct {
	Cache    string
	Key      string // the Redis key
	Source   Source
	State    State
	Duration time.Duration
}

// A LoadEvent is one run of a loader.
type LoadEvent struct {
	Cache      string
	Keys       []string // the Redis keys
	Callers    int      // the calls that shared it so far
	Duration   time.Duration
	Outcome    Outcome
	Err        error // of the loader, nil with LoadOK; with LoadPanicked an *Error with the stack
	Background bool  // nobody waited for it from the start
}

// An Outcome is how a load ended.
type Outcome uint8

const (
	LoadOK       Outcome = iota // with a value
	LoadNotFound                // the source has none
	LoadFailed                  // with an error
	LoadPanicked                // with a panic or runtime.Goexit
)

// String returns the name of the outcome.
func (o Outcome) String() string {
	return name(o, "LoadOK", "LoadNotFound", "LoadFailed", "LoadPanicked")
}

// A WriteEvent is one entry on its way into Redis.
type WriteEvent struct {
	Cache  string
	Key    string        // the Redis key
	State  State         // Present for a value, Absent for "does not exist"
	Bytes  int           // of the encoded value; 0 when Absent
	TTL    time.Duration // what Redis was given, Forever for none
	Fenced bool          // nothing was stored: a write of the key came after the load began
}

// Join returns an Observer that tells all of the given ones, in their order.
func Join(observers ...Observer) Observer {
	var joined Observer
	for _, o := range observers {
		joined.Lookup = then(joined.Lookup, o.Lookup)
		joined.Load = then(joined.Load, o.Load)
		joined.Write = then(joined.Write, o.Write)
		joined.Error = then(joined.Error, o.Error)
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

// observer calls an Observer's functions and contains their panics.
type observer struct {
	Observer
	cache string
}

func (o *observer) lookup(ctx context.Context, e LookupEvent) {
	if o.Lookup != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		o.Lookup(ctx, e)
	}
}

func (o *observer) load(ctx context.Context, e LoadEvent) {
	if o.Load != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		o.Load(ctx, e)
	}
}

func (o *observer) write(ctx context.Context, e WriteEvent) {
	if o.Write != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		o.Write(ctx, e)
	}
}

func (o *observer) survived(ctx context.Context, err *Error) {
	if o.Error != nil {
		defer func() { _ = recover() }() // there is nobody left to tell
		o.Error(ctx, err)
	}
}

func (o *observer) contain(ctx context.Context) {
	if r := recover(); r != nil {
		o.survived(ctx, &Error{Op: "Observer", Cache: o.cache, Kind: ErrPanic, Err: fmt.Errorf("in a function of the observer, with a value of type %T", r)})
	}
}
