package near

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/tracking"
)

// Options are the settings of a Tier.
type Options struct {
	MaxEntries int           // or
	MaxBytes   int64         // by the Size of entries
	TTL        time.Duration // of each entry, at most
}

// A Source tells by which epoch the key of a read is listened to, nil for by none.
type Source interface {
	Epoch(redisKey string) *tracking.Epoch
}

// A Tier keeps entries of one cache. It is safe for concurrent use.
type Tier struct {
	options Options
	source  Source // nil: nobody tells of writes
	space   atomic.Pointer[space]

	evictions, invalidations, flushes atomic.Uint64
}

// New returns an empty tier. Its entries are as old as their TTL permits, unless it listens.
func New(o Options) *Tier {
	t := &Tier{options: o}
	t.space.Store(newSpace(t))
	return t
}

// ListenTo has entries served only while the source tells of writes. It has to be called before the
// tier is used.
func (t *Tier) ListenTo(source Source) { t.source = source }

// Get returns the entry of a hash that may be served at a time, or nil. Its key has to be
// compared.
func (t *Tier) Get(hash uint64, now int64) *Entry {
	e, ok := t.space.Load().entries.GetIfPresent(hash)
	if !ok || !e.isServed(now) {
		return nil
	}
	return e
}

// A Ticket permits to install what a read finds that is sent after it was issued. The zero Ticket
// permits nothing.
type Ticket struct {
	space *space
	epoch *tracking.Epoch
	text  uint64
	count uint64 // of the shard of the key
	sent  int64
}

// Serves reports whether Get would find an entry of a Redis key.
func (t *Tier) Serves(redisKey string, now int64) bool {
	text := maphash.String(seed, redisKey)
	sh := t.space.Load().shardOf(text)
	sh.mu.Lock()
	e := sh.entries[text]
	sh.mu.Unlock()
	return e != nil && e.isServed(now)
}

// Ticket issues a ticket for a read of a Redis key.
func (t *Tier) Ticket(redisKey string) (k Ticket) {
	k.sent = tracking.Now()
	if t.source != nil {
		k.epoch = t.source.Epoch(redisKey)
		if k.epoch == nil || !k.epoch.Proven(k.sent, Bound) {
			return Ticket{}
		}
	}
	k.space, k.text = t.space.Load(), maphash.String(seed, redisKey)
	k.count = k.space.shardOf(k.text).count.Load()
	return k
}

// Permits reports whether an entry can still be installed.
func (t *Tier) Permits(k Ticket) bool {
	return k.space != nil && k.space == t.space.Load() && k.space.shardOf(k.text).count.Load() == k.count
}

// Serving reports whether what a read has found that was permitted may be served now.
func (t *Tier) Serving(k Ticket) bool {
	return t.Permits(k) && (k.epoch == nil || k.epoch.Proven(tracking.Now(), Bound))
}

// Install has an entry served that a read has found, and reports whether it will be.
func (t *Tier) Install(k Ticket, e *Entry) bool {
	if k.space == nil || k.space != t.space.Load() || e.TTL == 0 {
		return false
	}
	e.epoch, e.text, e.sent, e.ends = k.epoch, k.text, k.sent, Forever
	if e.TTL > 0 && int64(e.TTL) < Forever-max(k.sent, 0) {
		e.ends = k.sent + int64(e.TTL)
	}
	until, now := e.servedUntil(t.options.TTL), tracking.Now()
	if now >= until || e.epoch != nil && !e.epoch.Proven(now, Bound) {
		return false
	}
	e.until.Store(until)
	return k.space.install(k, e)
}

// Invalidate is part of tracking.Handler: the Redis key was written by somebody.
func (t *Tier) Invalidate(redisKey []byte) { t.drop(maphash.Bytes(seed, redisKey)) }

// Written is Invalidate for a write by this process.
func (t *Tier) Written(redisKey string) { t.drop(maphash.String(seed, redisKey)) }

func (t *Tier) drop(text uint64) {
	if t.space.Load().drop(text) {
		t.invalidations.Add(1)
	}
}

// Flush is part of tracking.Handler: every key may have been written. What is there, and what was
// asked before, is left to the garbage collector.
func (t *Tier) Flush() {
	t.flushes.Add(1)
	t.space.Store(newSpace(t))
}

// Stats are counts of a tier, and what it holds now.
type Stats struct {
	Entries, Bytes                    int64
	Evictions, Invalidations, Flushes uint64
}

// Stats returns the counts so far.
func (t *Tier) Stats() Stats {
	s := t.space.Load()
	return Stats{
		Entries: s.held.Load(), Bytes: s.bytes.Load(),
		Evictions: t.evictions.Load(), Invalidations: t.invalidations.Load(), Flushes: t.flushes.Load(),
	}
}
