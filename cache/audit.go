package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/tracking"
)

// An AuditConfig says which hits are compared with the source. A hit of GetOrSet, GetOrSetEntry or
// GetOrSetMany that is chosen is loaded again in the background, by the loader of its call, and
// compared with the entry that Redis has then. The loader may run after the call has returned, with
// the values of its context and not its cancellation: it must not use what ends with the call.
//
// While source and entry are read, the audit holds the lease of the key, which every write ends: so
// a write that comes in between is told apart from an entry that nobody has invalidated.
// docs/audit.md says what an audit costs, and what it cannot see.
//
// A hit that is stale, or refreshed in the background, is not audited; nor is one whose key another
// call or process loads at that moment, nor any while Redis does not answer, or refuses what leases
// need.
type AuditConfig struct {
	// Rate is the share of the hits that are chosen, of values and of absences, from 0 to 1. The
	// zero Rate audits nothing.
	Rate float64

	// MaxPerSecond bounds the audits that begin in a second, and those that load at one time;
	// further hits are not audited. Default 10. They count as loads under MaxLoads, and do not wait
	// for a place.
	MaxPerSecond int

	// Grace is for how long an entry may differ from the source, as a writer changes that first and
	// then deletes the entry. Default 1 s, at most 30 s. While an entry differs its lease is held.
	Grace time.Duration

	// Repair has an entry that was missed replaced by what was loaded, or removed if there is none:
	// as by Refresh, but only if nobody writes it meanwhile.
	Repair bool
}

const (
	defaultAudits = 10 // a second
	defaultGrace  = time.Second
	maxGrace      = 30 * time.Second
)

// check adds what is wrong with the settings of audits.
func (a AuditConfig) check(p *keyspace.Problems, lease time.Duration) {
	if a == (AuditConfig{}) {
		return
	}
	p.Check(a.Rate > 0 && a.Rate <= 1, "Audit.Rate is %v: it is the share of the hits that are audited, "+
		"more than 0 and at most 1; leave Audit out for none", a.Rate)
	p.Check(a.MaxPerSecond >= 0 || a.MaxPerSecond == keyspace.AuditAtOnce,
		"Audit.MaxPerSecond is %d: use a positive number, or 0 for %d", a.MaxPerSecond, defaultAudits)
	p.Check(a.Grace == 0 || a.Grace >= time.Millisecond && a.Grace <= maxGrace,
		"Audit.Grace is %v: it has to be from 1ms to %v, as the lease of an entry that differs is held for so long", a.Grace, maxGrace)
	p.Check(lease != Off, "Audit needs leases, which tell whether a write has come meanwhile: do not set Lease to Off")
}

// engine returns what the engine needs to know.
func (a AuditConfig) engine() protocol.AuditConfig {
	if a.Rate == 0 {
		return protocol.AuditConfig{}
	}
	cfg := protocol.AuditConfig{Grace: defaultTo(a.Grace, defaultGrace), Repair: a.Repair}
	if a.MaxPerSecond != keyspace.AuditAtOnce {
		cfg.Loads = defaultTo(a.MaxPerSecond, defaultAudits)
	}
	return cfg
}

// An AuditResult says what an audit has found.
type AuditResult uint8

const (
	// AuditEqual: the entry is what the source has.
	AuditEqual AuditResult = iota
	// AuditOvertaken: the entry was written, or has ended, while it was compared. It counts neither
	// way.
	AuditOvertaken
	// AuditLate: the entry differed from the source, and was invalidated within Grace, or the
	// source had its value again.
	AuditLate
	// AuditMissed: the entry has differed from the source for Grace, and nobody has invalidated it.
	AuditMissed
)

// String returns the name of the result.
func (r AuditResult) String() string {
	return name(r, "AuditEqual", "AuditOvertaken", "AuditLate", "AuditMissed")
}

// An AuditEvent is a hit that was compared with the source. It has no value.
type AuditEvent struct {
	Cache  string
	Op     Op     // the method that has hit
	Key    string // the Redis key
	Result AuditResult
	// Fields names what differs, with AuditMissed, or did, with AuditLate: of a hash its fields in
	// Redis, of any other struct its fields in Go, as "Address.City". There are 32 at most, and
	// none where V has no fields or one of the two is an absence.
	Fields   []string
	Cached   State         // what Redis had, Present or Absent; with AuditOvertaken Missing if that was not read
	Loaded   State         // what the source had, as Cached
	Repaired bool          // the entry was replaced, see AuditConfig.Repair
	Duration time.Duration // of the audit, with Grace
}

func (o *observer) audit(ctx context.Context, e AuditEvent) {
	if f := o.hears().Audit; f != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		f(ctx, e)
	}
}

// Audited is part of protocol.Reporter.
func (c *core) Audited(ctx context.Context, op, key string, r protocol.AuditReport) {
	c.stats.audits[r.Result].Add(1)
	if r.Repaired {
		c.stats.auditsRepaired.Add(1)
	}
	if r.Result == protocol.AuditFailed { // the observer has heard why
		return
	}
	c.observer.audit(ctx, AuditEvent{
		Op: Op(op), Key: key, Result: AuditResult(r.Result), Fields: r.Fields,
		Cached: State(r.Cached), Loaded: State(r.Loaded), Repaired: r.Repaired, Duration: r.Took,
	})
}

// AuditPanicked is part of protocol.Reporter.
func (c *core) AuditPanicked(ctx context.Context, op, key string, stack []byte) {
	c.observer.survived(ctx, c.error(Op(op), key, ErrPanic, fmt.Errorf("in an audit, at\n%s", stack)))
}

// A sampler chooses hits that are audited. A nil sampler chooses none.
type sampler struct {
	rate   float64
	every  int64        // at least, in ns, from one to the next
	next   atomic.Int64 // when the next may be chosen, by tracking.Now
	atOnce bool
}

func newSampler(a AuditConfig) *sampler {
	switch {
	case a.Rate == 0:
		return nil
	case a.MaxPerSecond == keyspace.AuditAtOnce:
		return &sampler{atOnce: true}
	}
	s := &sampler{rate: a.Rate, every: int64(time.Second) / int64(defaultTo(a.MaxPerSecond, defaultAudits))}
	s.next.Store(tracking.Now())
	return s
}

// chooses reports whether to audit a hit.
func (s *sampler) chooses() bool {
	switch {
	case s == nil:
		return false
	case s.atOnce:
		return true
	case rand.Float64() >= s.rate:
		return false
	}
	now, next := tracking.Now(), s.next.Load()
	return now >= next && s.next.CompareAndSwap(next, now+s.every)
}

// samples reports whether to audit what a lookup has found.
func (c *core) samples(l *lookup) bool {
	l.sampled = l.state == Present && c.sampler.chooses()
	return l.sampled
}

// audit compares the entry of a key that was hit with what the loader of the call finds.
func (c *Cache[K, V]) audit(
	ctx context.Context, op Op, key K, redisKey string, from source[K, V],
) {
	l := &loads[K, V]{cache: c, source: from}
	l.begin(op, l.backing.items[:0], l.backing.jobs[:0])
	j := l.addDue(key)
	j.Key, j.Began = redisKey, time.Now()
	if c.core.sampler.atOnce {
		c.core.engine.AuditNow(keyspace.WithAuditedCall(ctx), &l.run, l)
	} else {
		c.core.engine.Audit(ctx, &l.run, l)
	}
}

// auditFound audits those that are chosen of what the flights of these loads have found in Redis.
func (l *loads[K, V]) auditFound(ctx context.Context) {
	c := l.cache
	if c.core.sampler == nil {
		return
	}
	for i := range l.items {
		item := &l.items[i]
		end := &item.job.End
		if end.Err == nil && end.Result != nil && end.Result.FromRedis && !end.Result.Stale && c.core.sampler.chooses() {
			c.audit(ctx, Op(l.run.Op), item.key, item.job.Key, l.source)
		}
	}
}

// auditNear audits what a call has found in the near tier: the entry that Redis has of it.
func (c *Cache[K, V]) auditNear(ctx context.Context, op Op, h nearHit[K, V], from source[K, V]) {
	if redisKey := c.RedisKey(h.entry.key); redisKey != "" {
		c.audit(ctx, op, h.entry.key, redisKey, from)
	}
}
