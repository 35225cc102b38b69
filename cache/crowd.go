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
	reading [4096]atomic.Int32 // reads of callers for themselves, by a hash of the key
	reads   flight.Group[*store.Entry]
}

// maxReading is how many callers read a key for themselves at one time.
const maxReading = 2

var crowdSeed = maphash.MakeSeed()

// read finds the value of m.redisKey by one plain command and lends it to m.entry.
func (c *crowd) read(ctx context.Context, s *store.Store, key string, e *store.Entry, began, deadline time.Time) (found bool, err error) {
	reading := &c.reading[maphash.String(crowdSeed, key)%uint64(len(c.reading))]
	if reading.Add(1) > maxReading {
		reading.Add(-1)
		return c.share(ctx, s, key, e, deadline)
	}
	defer reading.Add(-1)
	return s.Read(ctx, key, e, began)
}

// share is read for a caller in a crowd.
func (c *crowd) share(ctx context.Context, s *store.Store, key string, e *store.Entry, deadline time.Time) (found bool, err error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	shared, _, err := c.reads.Refresh(ctx, key, func(ctx context.Context, f *flight.Flight[*store.Entry]) (*store.Entry, error) {
		f.Seal()
		e := new(store.Entry)
		found, err := s.Read(ctx, key, e, time.Now())
		if err != nil || !found {
			return nil, err
		}
		return e, nil
	})
	if err == flight.ErrClosed {
		err = store.ErrClosed
	}
	if err != nil || shared == nil {
		return false, err
	}
	e.Borrow(shared)
	return true, nil
}
