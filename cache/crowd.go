package cache

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// A crowd lets many callers of one key share its reads. A few read for themselves;
// when more come while those are under way, one reads for all who came before that
// read is sent. So a stampede costs a process a handful of reads, and the readers of a
// hot key take turns of one round trip. No caller gets an answer to a question that
// was asked before it came.
type crowd struct {
	reading [4096]atomic.Int32 // reads and looks of callers for themselves, by a hash of the key
	reads   flight.Group[*store.Entry]
	polls   flight.Group[*store.Entry]
}

// maxReading is how many callers read a key for themselves at one time. With a thousand
// callers of a thousand keys hardly any is turned into a crowd by chance.
const maxReading = 6

var crowdSeed = maphash.MakeSeed()

// read is store.Read for a call that began at a time and may wait until the deadline.
func (c *crowd) read(ctx context.Context, s *store.Store, key string, e *store.Entry, began, deadline time.Time) (found bool, err error) {
	reading := c.join(key)
	if reading == nil {
		return c.share(ctx, s, key, e, deadline)
	}
	defer reading.Add(-1)
	return s.Read(ctx, key, e, began)
}

// look is store.Probe for a call that is about to load without a lease.
func (c *crowd) look(ctx context.Context, s *store.Store, key string, e *store.Entry, deadline time.Time, patience time.Duration) error {
	reading := c.join(key)
	if reading == nil {
		return c.poll(ctx, s, key, e, deadline, patience)
	}
	defer reading.Add(-1)
	return s.Probe(ctx, deadline, key, e)
}

// join counts a caller that asks for itself, until it takes itself away. It returns nil when
// there are enough of these.
func (c *crowd) join(key string) *atomic.Int32 {
	reading := &c.reading[maphash.String(crowdSeed, key)%uint64(len(c.reading))]
	if reading.Add(1) > maxReading {
		reading.Add(-1)
		return nil
	}
	return reading
}

// share is read for a caller in a crowd.
func (c *crowd) share(ctx context.Context, s *store.Store, key string, e *store.Entry, deadline time.Time) (found bool, err error) {
	err = shareNext(ctx, &c.reads, key, e, deadline, func(ctx context.Context, e *store.Entry) (err error) {
		found, err := s.Read(ctx, key, e, time.Now())
		if found {
			e.State = store.Present
		}
		return err
	})
	return err == nil && e.State == store.Present, err
}

// poll is store.Probe for those who were turned away by a flight, all at one moment.
func (c *crowd) poll(ctx context.Context, s *store.Store, key string, e *store.Entry, deadline time.Time, patience time.Duration) error {
	return shareNext(ctx, &c.polls, key, e, deadline, func(ctx context.Context, e *store.Entry) error {
		return s.Probe(ctx, time.Now().Add(patience), key, e)
	})
}

// shareNext lends e what the next ask finds that begins after the call.
func shareNext(ctx context.Context, asks *flight.Group[*store.Entry], key string, e *store.Entry, deadline time.Time, ask func(context.Context, *store.Entry) error) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	shared, _, err := asks.Refresh(ctx, key, func(ctx context.Context, f *flight.Flight[*store.Entry]) (*store.Entry, error) {
		f.Seal()
		own := new(store.Entry)
		return own, ask(ctx, own)
	})
	switch err {
	case nil:
		e.Alias(shared)
	case flight.ErrClosed:
		err = store.ErrClosed
	}
	return err
}

func (c *crowd) close() {
	c.reads.Close()
	c.polls.Close()
}
