package protocol

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// sharedReads lets many callers of one key share its reads. A few read for themselves; when
// more come while those are in flight, one reads for all that came before that read is sent.
// So a stampede costs a process a handful of reads, and the readers of a hot key take turns
// of one round trip. No caller gets an answer to a question that was asked before it came.
type sharedReads struct {
	inFlight *readCounts
	reads    flight.Group[*store.Entry]
	probes   flight.Group[*store.Entry]
}

// The readCounts count the reads and probes of callers for themselves, by a hash of the key: of all
// engines on a client, whose keys are different ones.
type readCounts [4096]atomic.Int32

var readCountsOf client.Table[readCounts]

// maxInFlight is how many callers read a key for themselves at one time. With a thousand
// callers of a thousand keys hardly any has to share by chance.
const maxInFlight = 6

var keySeed = maphash.MakeSeed()

// Read is Store.Read for a call that began at a time and may wait until the deadline.
func (e *Engine) Read(ctx context.Context, key string, entry *store.Entry, began, deadline time.Time) (found bool, err error) {
	inFlight := e.reads.enter(key)
	if inFlight == nil {
		return e.readNext(ctx, key, entry, deadline)
	}
	defer inFlight.Add(-1)
	return e.Store.Read(ctx, key, entry, began)
}

// enter counts a caller that asks for itself, until it subtracts itself. It returns nil when
// there are enough of these.
func (r *sharedReads) enter(key string) *atomic.Int32 {
	inFlight := &r.inFlight[maphash.String(keySeed, key)%uint64(len(r.inFlight))]
	if inFlight.Add(1) > maxInFlight {
		inFlight.Add(-1)
		return nil
	}
	return inFlight
}

// readNext is Read for a caller that shares.
func (e *Engine) readNext(ctx context.Context, key string, entry *store.Entry, deadline time.Time) (found bool, err error) {
	err = joinNext(ctx, &e.reads.reads, key, entry, deadline, func(ctx context.Context, entry *store.Entry) error {
		found, err := e.Store.Read(ctx, key, entry, time.Now())
		if found {
			entry.State = store.Present
		}
		return err
	})
	return err == nil && entry.State == store.Present, err
}

// probe is Store.Probe for a call that is about to load without a lease.
func (e *Engine) probe(ctx context.Context, key string, entry *store.Entry, deadline time.Time) error {
	inFlight := e.reads.enter(key)
	if inFlight == nil {
		return e.probeNext(ctx, key, entry, deadline)
	}
	defer inFlight.Add(-1)
	return e.Store.Probe(ctx, deadline, key, entry)
}

// probeNext is Store.Probe for callers that came too late for a flight, all at one moment.
func (e *Engine) probeNext(ctx context.Context, key string, entry *store.Entry, deadline time.Time) error {
	return joinNext(ctx, &e.reads.probes, key, entry, deadline, func(ctx context.Context, entry *store.Entry) error {
		return e.Store.Probe(ctx, time.Now().Add(e.RedisTimeout), key, entry)
	})
}

// joinNext makes entry an alias of what the next ask finds that begins after the call.
func joinNext(ctx context.Context, asks *flight.Group[*store.Entry], key string, entry *store.Entry, deadline time.Time, ask func(context.Context, *store.Entry) error) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	shared, _, err := asks.Refresh(ctx, key, func(ctx context.Context, f *flight.Flight[*store.Entry]) (*store.Entry, error) {
		f.Seal()
		own := new(store.Entry)
		return own, ask(ctx, own)
	})
	switch err {
	case nil:
		entry.Alias(shared)
	case flight.ErrClosed:
		err = store.ErrClosed
	}
	return err
}

func (r *sharedReads) close() {
	r.reads.Close()
	r.probes.Close()
}
