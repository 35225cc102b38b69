package client

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUndelivered is why a key counts as not cached: a write of it was not acknowledged, and
// neither is the delete that is to follow.
var ErrUndelivered = errors.New("redis has not acknowledged a write of the key: " +
	"what it holds may be old, until a delete of the key is delivered")

// Bounds of what an executor remembers. With the maps, a key takes some 400 bytes and its name.
const (
	maxUndelivered      = 50_000
	maxUndeliveredBytes = 8 << 20 // of names
)

// A Delete is one that Redis is still to acknowledge.
type Delete struct {
	Key      string      // tells deletes apart
	Step     func() Step // of the key, another one for each time that it is sent
	Mark     string      // stands for all keys whose values it removes
	Replicas int         // that it waits for
	Prefix   string      // of the store's control keys
	By       Deleter     // makes another one of it
	// Lasts is how long Redis may hold what it is to remove, -1 for ever.
	Lasts time.Duration
	Tell  func(Delivery) // called once, without a lock; it must not panic
	// Unsettled: the write may still be carried out, over what it is followed by.
	Unsettled bool

	noted uint64 // its place in the order of failures
	at    time.Time
	until time.Time // zero for ever

	acknowledged, due time.Time // of an unsettled key
	repeated          int
}

// A Delivery is what has become of a Delete, or of all of an executor's.
type Delivery struct {
	Key  string // empty of a bypass
	Kind DeliveryKind
	Took time.Duration // since the write failed, or the bypass began
}

// A DeliveryKind is a kind of Delivery.
type DeliveryKind uint8

const (
	Delivered   DeliveryKind = iota // Redis has acknowledged it, or a later write of the key
	GivenUp                         // Redis has nothing any more that it was to remove, or it was one too many
	BypassBegan                     // no key is cached, as there were too many to remember
	BypassEnded
)

// undelivered are the deletes of an executor. When there are too many, all keys count as not
// cached: until those that are remembered are delivered, and Redis can hold nothing any more
// that the others were to remove.
type undelivered struct {
	some atomic.Bool // whether there is anything below

	mu      sync.RWMutex // guards all below
	deletes map[string]*Delete
	marks   map[string]int
	bytes   int
	noted   uint64
	bypass  *Delete // the first that was one too many, with the until of all; nil: none was

	unsettled      map[string]*Delete // acknowledged, and to be sent again
	unsettledBytes int

	running bool
	stopped bool
	wake    chan struct{} // has room for one
	removed chan struct{} // closed when a delete is forgotten; nil: nobody waits for that
	ctx     context.Context
	cancel  context.CancelFunc // ends the goroutine
	workers sync.WaitGroup
}

// Redeliver has a delete sent until Redis acknowledges it. Until then its Mark is undelivered.
func (c *Client) Redeliver(d Delete) {
	u := &c.undelivered
	d.at = time.Now()
	if d.Lasts >= 0 {
		d.until = d.at.Add(d.Lasts)
	}
	var tell []Delivery
	u.mu.Lock()
	if u.stopped {
		u.mu.Unlock()
		return
	}
	u.some.Store(true)
	if !u.add(&d) {
		tell = u.overflow(&d)
	}
	u.start(c.executor)
	u.mu.Unlock()
	if c.breakers.open.Load() == 0 {
		u.wakeUp()
	}
	for _, t := range tell {
		d.Tell(t)
	}
}

// add remembers a delete, and reports false where that is one too many; the caller holds the
// lock.
func (u *undelivered) add(d *Delete) bool {
	u.noted++
	d.noted = u.noted
	if u.settled(d.Key) {
		d.Unsettled = true
	}
	if old := u.deletes[d.Key]; old != nil {
		d.at, d.Unsettled = old.at, old.Unsettled || d.Unsettled
		u.deletes[d.Key] = d
		return true
	}
	size := len(d.Key) + len(d.Mark)
	if len(u.deletes) >= maxUndelivered || u.bytes+size > maxUndeliveredBytes {
		return false
	}
	if u.deletes == nil {
		u.deletes, u.marks = make(map[string]*Delete), make(map[string]int)
	}
	u.deletes[d.Key] = d
	u.marks[d.Mark]++
	u.bytes += size
	return true
}

// overflow begins or prolongs the bypass; the caller holds the lock.
func (u *undelivered) overflow(d *Delete) (tell []Delivery) {
	tell = []Delivery{{Key: d.Key, Kind: GivenUp}}
	switch {
	case u.bypass == nil:
		u.bypass = d
		tell = append(tell, Delivery{Kind: BypassBegan})
	case d.until.IsZero():
		u.bypass.until = d.until
	case !u.bypass.until.IsZero() && d.until.After(u.bypass.until):
		u.bypass.until = d.until
	}
	return tell
}

// acknowledge forgets a delete that is delivered, or made up for; the caller holds the lock.
func (u *undelivered) acknowledge(d *Delete) {
	u.remove(d)
	if d.Unsettled {
		u.unsettle(d, time.Now())
	}
}

// remove forgets a delete; the caller holds the lock.
func (u *undelivered) remove(d *Delete) {
	delete(u.deletes, d.Key)
	if u.marks[d.Mark]--; u.marks[d.Mark] == 0 {
		delete(u.marks, d.Mark)
	}
	u.bytes -= len(d.Key) + len(d.Mark)
	u.tellRemoval()
	u.settle()
}

// settle notes whether there is anything left; the caller holds the lock.
func (u *undelivered) settle() {
	u.some.Store(len(u.deletes) > 0 || u.bypass != nil)
}

// HasUndelivered reports whether any key counts as not cached.
func (c *Client) HasUndelivered() bool { return c.undelivered.some.Load() }

// IsUndelivered reports whether the keys of a Mark count as not cached.
func (c *Client) IsUndelivered(mark string) bool {
	u := &c.undelivered
	if !u.some.Load() {
		return false
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.bypass != nil || u.marks[mark] > 0
}

// Undelivered returns how many deletes are to be delivered, for all stores on the client, and
// whether no key at all is cached.
func (c *Client) Undelivered() (n int, bypassed bool) {
	u := &c.undelivered
	u.mu.RLock()
	defer u.mu.RUnlock()
	return len(u.deletes), u.bypass != nil
}

// Failures returns how many deletes were to be delivered so far, for Acknowledged.
func (c *Client) Failures() uint64 {
	u := &c.undelivered
	if !u.some.Load() {
		return 0
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.noted
}

// Acknowledged notes that Redis has acknowledged a write which does all that a delete of the key
// would, and that was sent when there had been so many Failures: those before it are made up for.
func (c *Client) Acknowledged(key string, failures uint64) {
	u := &c.undelivered
	if !u.some.Load() {
		return
	}
	u.mu.Lock()
	d := u.deletes[key]
	if d == nil || d.noted > failures {
		u.mu.Unlock()
		return
	}
	u.acknowledge(d)
	u.mu.Unlock()
	u.wakeUp() // it may have been the last one
	d.tell(Delivered)
}

func (d *Delete) tell(kind DeliveryKind) {
	d.Tell(Delivery{Key: d.Key, Kind: kind, Took: time.Since(d.at)})
}

// delivered forgets those of the deletes, which were acknowledged, that have not failed again.
func (u *undelivered) delivered(acknowledged []*Delete, busy bool) {
	var done []*Delete
	u.mu.Lock()
	for _, d := range acknowledged {
		switch {
		case u.deletes[d.Key] == d:
			u.acknowledge(d)
			done = append(done, d)
		case u.unsettled[d.Key] == d:
			u.repeated(d, time.Now(), busy)
		}
	}
	u.mu.Unlock()
	for _, d := range done {
		d.tell(Delivered)
	}
}

// due returns all deletes that are to be sent, in no order, and ends those of which nothing is left
// in Redis.
func (u *undelivered) due(now time.Time) (due []*Delete) {
	var over []*Delete
	u.mu.Lock()
	for _, d := range slices.Collect(maps.Values(u.deletes)) {
		if d.isOver(now) {
			u.remove(d)
			over = append(over, d)
		} else {
			due = append(due, d)
		}
	}
	undelivered := len(due)
	for _, d := range slices.Collect(maps.Values(u.unsettled)) {
		switch {
		case now.Sub(d.acknowledged) > longestSettle+settleInterval:
			u.settled(d.Key)
		case !now.Before(d.due):
			due = append(due, d)
		}
	}
	var bypass *Delete
	if u.bypass != nil && undelivered == 0 && u.bypass.isOver(now) {
		bypass, u.bypass = u.bypass, nil
		u.settle()
	}
	u.mu.Unlock()
	for _, d := range over {
		d.tell(GivenUp)
	}
	if bypass != nil {
		bypass.Tell(Delivery{Kind: BypassEnded, Took: now.Sub(bypass.at)})
	}
	return due
}

func (d *Delete) isOver(now time.Time) bool { return !d.until.IsZero() && now.After(d.until) }
