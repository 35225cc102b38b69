package cache

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A DeliveryEvent tells what has become of a key of which Redis did not acknowledge a write, as the
// call and Observer.Write have told. Until then this process treats it as not cached: see Delete.
type DeliveryEvent struct {
	Cache    string
	Key      string // the Redis key, empty with BypassBegan and BypassEnded
	Outcome  DeliveryOutcome
	Duration time.Duration // since the write failed, or the bypass began
}

// A DeliveryOutcome is what a DeliveryEvent tells.
type DeliveryOutcome uint8

const (
	// DeliveryDone: Redis has acknowledged a delete of the key, or a later write of it.
	DeliveryDone DeliveryOutcome = iota
	// DeliveryGivenUp: the longest TTL of the cache has passed since, and at least an hour, so that
	// Redis has nothing any more that was to be deleted; or there were too many keys to remember.
	DeliveryGivenUp
	// BypassBegan: there are too many keys to remember. Until BypassEnded all caches on the client
	// treat all keys as not cached: until all that are remembered are delivered, and the longest
	// TTL has passed of the caches whose keys are not. With Forever that is until these are closed.
	BypassBegan
	// BypassEnded: keys are cached again.
	BypassEnded
)

// String returns the name of the outcome.
func (o DeliveryOutcome) String() string {
	return name(o, "DeliveryDone", "DeliveryGivenUp", "BypassBegan", "BypassEnded")
}

// The outcomes of package store are those of this package, by other names.
var (
	_ = [1]struct{}{}[DeliveryGivenUp-DeliveryOutcome(store.GivenUp)]
	_ = [1]struct{}{}[BypassEnded-DeliveryOutcome(store.BypassEnded)]
)

// minLasting is how long a delete is tried at least. Other processes may have other TTLs.
const minLasting = time.Hour

// A longestTTL is the longest that the cache has given to Redis, or may give by its TTL.
type longestTTL struct{ atomic.Int64 }

func (l *longestTTL) note(ttl time.Duration) {
	if ttl == Forever {
		ttl = math.MaxInt64
	}
	for old := l.Load(); int64(ttl) > old && !l.CompareAndSwap(old, int64(ttl)); old = l.Load() {
	}
}

// lasts returns for how long Redis may hold what stands there now.
func (l *longestTTL) lasts() time.Duration {
	if ttl := time.Duration(l.Load()); ttl < math.MaxInt64 {
		return max(ttl, minLasting)
	}
	return store.Forever
}

// redeliver has a key deleted after a call that Redis did not acknowledge, for a cause. The call
// may have begun before Close.
func (c *core) redeliver(op Op, key string, cause error) {
	tell := func(d store.Delivery) {
		switch d.Kind {
		case store.Delivered:
			c.stats.delivered.Add(1)
		case store.GivenUp:
			c.stats.givenUp.Add(1)
		}
		c.observer.delivery(DeliveryEvent{
			Key: d.Key, Outcome: DeliveryOutcome(d.Kind), Duration: d.Took,
		})
	}
	c.store.Redeliver(key, store.FailedWrite{
		Cause: cause, Stores: op != OpDelete, Lasts: c.longest.lasts(), Tell: tell,
	})
}

// Unleased has a key deleted that a load without a lease may still be stored for.
func (c *core) Unleased(key string, cause error) { c.store.Unsettle(key, cause) }

func (o *observer) delivery(e DeliveryEvent) {
	f := o.hears().Delivery
	if f == nil {
		return
	}
	ctx := context.Background()
	defer o.contain(ctx)
	e.Cache = o.cache
	f(ctx, e)
}

// A sending is what is known of a write when it begins.
type sending struct {
	begun    bool   // its context had not ended: it does nothing otherwise
	failures uint64 // of writes before it
}

func (c *core) sending(ctx context.Context) sending {
	return sending{begun: ctx.Err() == nil, failures: c.store.Failures()}
}

// acknowledged notes that Redis has acknowledged a write of a key, which a failover may forget. It
// makes up for those that failed before it, if it replaces all that Redis has of the key.
func (c *core) acknowledged(e WriteEvent, s sending) {
	switch e.Op {
	case OpDelete, OpSet, OpSetMany, OpSetAbsent:
		c.store.Acknowledged(e.Key, s.failures)
	}
	c.store.Record(e.Key)
}

// undelivered reports whether a key counts as not cached. An error is that of ctx.
func (c *core) undelivered(ctx context.Context, key string) (undelivered bool, err error) {
	if !c.store.IsUndelivered(key) {
		return false, nil
	}
	return true, ctx.Err()
}
