package cache

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/near"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/tracking"
)

// defaultNearTTL is the TTL of entries in memory that Redis tells of: it bounds what a write does
// that nobody is told of, such as a SWAPDB.
const defaultNearTTL = 30 * time.Second

// A nearTier is the near tier of a cache, and what tells it of writes. It must not refer to the
// cache, which may end without Close.
type nearTier struct {
	tier    *near.Tier
	hits    nearHits
	hotOnly bool

	listener     *tracking.Listener // nil with TTLOnly
	subscription *tracking.Subscription
	stopWatching func()
	closed       sync.Once

	changes nearChanges
	wakes   protocol.Waker
	reads   nearReads
}

// check adds what is wrong with the settings of a near tier.
func (n NearConfig) check(p *keyspace.Problems, clone bool) {
	if n == (NearConfig{}) {
		p.Check(!clone, "Clone is set and Near is not: without a near cache every caller has a value of its own")
		return
	}
	p.Check(n.MaxEntries >= 0, "Near.MaxEntries is %d: use a positive number, or MaxBytes", n.MaxEntries)
	p.Check(n.MaxBytes >= 0, "Near.MaxBytes is %d: use a positive number, or MaxEntries", n.MaxBytes)
	p.Check(n.MaxEntries != 0 || n.MaxBytes != 0,
		"Near has no bound: set MaxEntries or MaxBytes, as memory is not endless")
	p.Check(n.MaxEntries == 0 || n.MaxBytes == 0,
		"Near has two bounds, MaxEntries %d and MaxBytes %d: set one of them", n.MaxEntries, n.MaxBytes)
	p.Check(n.Coherence <= TTLOnly, "Near.Coherence is %d: use Tracking or TTLOnly", n.Coherence)
	p.Check(n.TTL == 0 || n.TTL >= time.Millisecond, "Near.TTL is %v: it has to be at least 1ms", n.TTL)
	p.Check(n.TTL != 0 || n.Coherence != TTLOnly, "Near.TTL is 0 and Coherence is TTLOnly: "+
		"say for how long a value may be served that another process has overwritten or deleted")
}

// newNearTier makes what cfg asks for, nil for nothing, and asks the server whether it is able to
// tell of writes. One that cannot be asked may be.
func newNearTier(cfg NearConfig, rdb redis.UniversalClient, timeout time.Duration) (*nearTier, error) {
	if cfg == (NearConfig{}) {
		return nil, nil
	}
	n := &nearTier{hotOnly: cfg.HotOnly, tier: near.New(near.Options{
		MaxEntries: cfg.MaxEntries, MaxBytes: cfg.MaxBytes, TTL: defaultTo(cfg.TTL, defaultNearTTL),
	})}
	if cfg.Coherence == TTLOnly {
		return n, nil
	}
	var err error
	if n.listener, err = tracking.Listen(rdb); err != nil {
		return nil, &nearError{err}
	}
	if err := n.probe(context.Background(), time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	return n, nil
}

// probe asks until a deadline whether Redis is able to tell of writes, if that is needed.
func (n *nearTier) probe(ctx context.Context, deadline time.Time) error {
	if n == nil || n.listener == nil {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := n.listener.Probe(ctx); err != nil {
		return &nearError{err}
	}
	return nil
}

// A nearError says that nobody tells of writes.
type nearError struct{ cause error }

func (e *nearError) Error() string {
	return "Near: " + e.cause.Error() + ": set Near.Coherence to TTLOnly, and Near.TTL to how old " +
		"a value may be, or use a server and a client that can"
}

func (e *nearError) Unwrap() error { return e.cause }

// openNear has the near tier of a cache told of writes, once the keys of its store have names.
func (c *core) openNear() {
	n := c.near
	if n == nil {
		return
	}
	n.stopWatching = c.store.WatchWrites(n.tier.Written)
	if n.listener != nil {
		if c.isObserved(c.observer.own.Near != nil) {
			n.changes.tell = c.observer.near
		}
		n.subscription = n.listener.Subscribe(c.store.Prefixes(), nearHandler{n.tier, &n.changes, &n.wakes})
		n.tier.ListenTo(n.subscription)
		n.wakes.Heard = n.heard
	}
	runtime.AddCleanup(c, func(n *nearTier) { go n.close() }, n)
}

// close ends what tells the tier of writes. Nothing is served any more.
func (n *nearTier) close() {
	if n == nil {
		return
	}
	n.closed.Do(func() {
		n.stopWatching()
		if n.subscription != nil {
			n.subscription.Close()
			n.changes.teller.Wait()
		}
		n.tier.Flush() // what it has held is free
	})
}

// state says whether the tier is told of writes.
func (n *nearTier) state() NearState {
	if n == nil || n.subscription == nil {
		return NearOff
	}
	if connected, _ := n.subscription.State(); !connected {
		return NearDisconnected
	}
	return NearConnected
}

// A nearHandler is a tracking.StateHandler.
type nearHandler struct {
	*near.Tier
	changes *nearChanges
	wakes   *protocol.Waker
}

func (h nearHandler) StateChanged(connected bool, cause error) { h.changes.add(connected, cause) }
