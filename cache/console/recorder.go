package console

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/cache"
)

// A recorder keeps what the console tells about one cache.
type recorder struct {
	lookups, loads latency

	following atomic.Bool // there are followed keys

	mu       sync.Mutex // guards all below
	recent   ring       // loads, writes and what concerns the whole cache
	failures []event    // of different causes, the last one at the end
	followed []followed // keys that were explained, the last one at the end
}

// A followed is a key of which all events are kept.
type followed struct {
	key string
	ring
}

const (
	recentKept   = 256
	failuresKept = 20
	followedKept = 32 // keys
	eventsKept   = 40 // of each
)

// A ring holds the last events.
type ring struct {
	events []event
	next   int
}

func (r *ring) add(e event, kept int) {
	if len(r.events) < kept {
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % kept
}

// newest returns the events, the last one first.
func (r *ring) newest() []event {
	all := slices.Concat(r.events[r.next:], r.events[:r.next])
	slices.Reverse(all)
	return all
}

// recorder returns that of a cache.
func (c *console) recorder(m cache.Member) *recorder {
	r, ok := c.recorders.Load(m)
	if !ok {
		fresh := new(recorder)
		fresh.lookups.turned, fresh.loads.turned = time.Now(), time.Now()
		r, _ = c.recorders.LoadOrStore(m, fresh)
	}
	return r.(*recorder)
}

// recorded returns what is kept of a cache, which is forgotten when it is closed.
func (c *console) recorded(m cache.Member) *recorder {
	if r, ok := c.recorders.Load(m); ok {
		return r.(*recorder)
	}
	return new(recorder)
}

// observer is told of all but lookups.
func (r *recorder) observer() cache.Observer {
	return cache.Observer{
		Load: func(_ context.Context, e cache.LoadEvent) {
			r.loads.add(e.Duration)
			for _, event := range ofLoad(&e) {
				r.add(event)
			}
		},
		Write:    func(_ context.Context, e cache.WriteEvent) { r.add(ofWrite(&e)) },
		Error:    func(_ context.Context, err *cache.Error) { r.add(ofError(err)) },
		Breaker:  func(_ context.Context, e cache.BreakerEvent) { r.add(ofBreaker(&e)) },
		Delivery: func(_ context.Context, e cache.DeliveryEvent) { r.add(ofDelivery(&e)) },
		Near:     func(_ context.Context, e cache.NearEvent) { r.add(ofNear(&e)) },
		Audit:    func(_ context.Context, e cache.AuditEvent) { r.add(ofAudit(&e)) },
		Hot:      func(_ context.Context, e cache.HotEvent) { r.add(ofHot(&e)) },
	}
}

// lookupObserver is told of lookups.
func (r *recorder) lookupObserver() cache.Observer {
	return cache.Observer{Lookup: func(_ context.Context, e cache.LookupEvent) {
		r.lookups.add(e.Duration)
		if !r.following.Load() {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if f := r.follows(e.Key); f != nil {
			f.add(ofLookup(&e), eventsKept)
		}
	}}
}

func (r *recorder) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent.add(e, recentKept)
	if e.Failed {
		r.fail(e)
	}
	if f := r.follows(e.redisKey); f != nil && e.redisKey != "" {
		f.add(e, eventsKept)
	}
}

// fail keeps a failure, once for each cause. It is called with mu held.
func (r *recorder) fail(e event) {
	i := slices.IndexFunc(r.failures, func(f event) bool { return f.Kind == e.Kind && f.cause == e.cause })
	e.Times = 1
	switch {
	case i >= 0:
		e.Times += r.failures[i].Times
		r.failures = slices.Delete(r.failures, i, i+1)
	case len(r.failures) == failuresKept:
		r.failures = slices.Delete(r.failures, 0, 1)
	}
	r.failures = append(r.failures, e)
}

// follows returns what is kept of a key. It is called with mu held.
func (r *recorder) follows(key string) *followed {
	if i := r.indexOf(key); i >= 0 {
		return &r.followed[i]
	}
	return nil
}

// indexOf returns where a key is in followed, -1 if it is not. It is called with mu held.
func (r *recorder) indexOf(key string) int {
	return slices.IndexFunc(r.followed, func(f followed) bool { return f.key == key })
}

// of returns the events of a key, the last one first, and keeps all that follow.
func (r *recorder) of(key string) []event {
	if len(key) > maxEventKey {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.following.Store(true)
	var f followed
	if i := r.indexOf(key); i >= 0 {
		f = r.followed[i]
		r.followed = slices.Delete(r.followed, i, i+1)
	} else {
		f.key = key
		known := append(r.recent.newest(), r.failures...)
		slices.SortStableFunc(known, func(a, b event) int { return a.At.Compare(b.At) })
		for j, e := range known {
			if e.redisKey == key && (j == 0 || !e.same(&known[j-1])) {
				f.add(e, eventsKept)
			}
		}
	}
	if r.followed = append(r.followed, f); len(r.followed) > followedKept {
		r.followed = slices.Delete(r.followed, 0, 1)
	}
	return f.newest()
}

// failed returns the last failures, the last one first.
func (r *recorder) failed() []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := slices.Clone(r.failures)
	slices.Reverse(last)
	return last
}

// watched is for how long lookups are observed after somebody has looked.
const watched = 30 * time.Second

// watch has lookups observed for a while from now on.
func (c *console) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watching != nil && c.watching.Reset(watched) {
		return
	}
	stop := c.registry.Observe(func(m cache.Member) cache.Observer { return c.recorder(m).lookupObserver() })
	c.watching = time.AfterFunc(watched, stop)
}
