package cache

import (
	"context"
	"math/rand/v2"
	"reflect"
	"time"
	"unsafe"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/hotkeys"
	"github.com/asidecache/aside/internal/near"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/tracking"
	"github.com/asidecache/aside/loader"
)

// A nearEntry is an entry of the near tier: what the tier knows of it, and the key and the value.
type nearEntry[K comparable, V any] struct {
	near.Entry
	key   K
	value V
}

// A nearHit is the answer that a call has from the near tier.
type nearHit[K comparable, V any] struct {
	entry *nearEntry[K, V]
	state State
	left  time.Duration // of Redis's own entry, Forever for no end
	due   bool          // it is to be refreshed, if that is not under way

	sampled bool // it is to be audited
}

// isNearKey reports whether the near tier can find a key: not where an interface in it holds what
// Go cannot compare, of which Config.Key may make a text all the same.
func (c *Cache[K, V]) isNearKey(key K) bool {
	return !c.anyKeys || isComparable(key)
}

// isComparable reports whether a key can be compared, as its interfaces hold nothing that cannot.
// The key is allocated for that: it must not be inlined where most keys need no such look.
//
//go:noinline
func isComparable[K comparable](key K) bool { return reflect.ValueOf(&key).Elem().Comparable() }

// holdsInterface reports whether values of a type that can be compared hold interfaces.
func holdsInterface(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Array:
		return holdsInterface(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsInterface(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// nearEntryOf returns the entry of key that may be served now, or nil.
func (c *Cache[K, V]) nearEntryOf(key K, now int64) *nearEntry[K, V] {
	e := c.core.near.tier.Get(near.Hash(key), now)
	if e == nil {
		return nil
	}
	own, _ := e.Owner.(*nearEntry[K, V])
	if own.key != key {
		return nil // another key of the hash
	}
	return own
}

// fromNear looks for the answer to a call in the near tier, and tells what it has found: with
// loads, also whether the call is to refresh that.
func (c *Cache[K, V]) fromNear(ctx context.Context, op Op, key K, opts []Option, loads bool) (h nearHit[K, V], ok bool) {
	if c.core.near == nil || c.core.closed.Load() {
		return h, false
	}
	s, err := settingsOf(opts)
	if err != nil { // the call tells
		return h, false
	}
	return c.nearLookup(ctx, op, key, s, loads)
}

// nearLookup is fromNear with options that were read, of a cache that has a near tier.
func (c *Cache[K, V]) nearLookup(ctx context.Context, op Op, key K, s settings, loads bool) (h nearHit[K, V], ok bool) {
	if s.skipNear || !c.isNearKey(key) {
		return h, false
	}
	now := tracking.Now()
	if h.entry = c.nearEntryOf(key, now); h.entry == nil {
		return h, false
	}
	h.left, h.state = h.entry.Left(now), Present
	if h.entry.Absent {
		h.state = Absent
	}
	if c.core.staleFor > 0 {
		if c.core.engine.IsStale(h.left) {
			if s.noStale || h.state == Absent { // Redis knows whether an absence is being refreshed
				return h, false
			}
			h.state = Stale
		}
		h.due = loads && h.state != Absent && c.core.engine.Chooses(h.left)
	}
	h.sampled = loads && h.state != Stale && !h.due && c.core.sampler.chooses()
	random := rand.Uint32()
	c.core.near.hits.add(h.state, random)
	if c.core.observer.hears().Lookup != nil {
		c.core.foundNear(ctx, op, c.RedisKey(key), h.state, h.left, time.Duration(tracking.Now()-now))
	}
	if hotkeys.Sampled(random) {
		c.sampledNear(ctx, key)
	}
	return h, true
}

// isShared reports whether callers get the value of an entry as it is, or none: a large one is not
// to be copied more often than once.
func (c *Cache[K, V]) isShared(h *nearHit[K, V]) bool { return c.clone == nil || h.entry.Absent }

// err is the error of a call that may load.
func (h *nearHit[K, V]) err() error {
	if h.entry.Absent {
		return ErrNotFound
	}
	return nil
}

// nearWhole is the answer to a call that has asked for all.
func (c *Cache[K, V]) nearWhole(h nearHit[K, V]) Entry[V] {
	e := Entry[V]{State: h.state, Source: Near, TTL: c.core.nearTTL(h.state, h.left)}
	if h.state.hasValue() {
		e.Value = c.own(h.entry.value)
	}
	return e
}

// own returns a value that its caller may change, if there is a way to make one.
func (c *Cache[K, V]) own(v V) V {
	if c.clone == nil {
		return v
	}
	return c.clone(v)
}

// followNear does what a call is to do with what it has found in the near tier.
func (c *Cache[K, V]) followNear(ctx context.Context, h nearHit[K, V], load loader.EntryFunc[K, V], opts []Option) {
	if h.due {
		c.refreshNear(ctx, h, load, opts)
		return
	}
	s, _ := settingsOf(opts)
	c.auditNear(ctx, OpGetOrSet, h, source[K, V]{one: load, settings: s})
}

// refreshNear has what a call has found in the near tier refreshed in the background, unless that
// is under way.
func (c *Cache[K, V]) refreshNear(ctx context.Context, h nearHit[K, V], load loader.EntryFunc[K, V], opts []Option) {
	s, _ := settingsOf(opts)
	r, err := c.begin(OpGetOrSet, h.entry.key)
	if err != nil {
		return
	}
	if c.core.engine.PermitsRefresh(r.redisKey, r.began) {
		r.entry.TTL = h.dueTTL()
		c.refresh(ctx, r, load, s)
	}
	c.end(r)
}

// nearMany returns what looks for the keys of a batch in the near tier, nil if there is none. With
// load, what is due is refreshed by that.
func (c *Cache[K, V]) nearMany(ctx context.Context, b *batch[K, V], s settings, load loader.BatchFunc[K, V]) func(K) bool {
	if c.core.near == nil || s.skipNear {
		return nil
	}
	return func(key K) bool {
		h, ok := c.nearLookup(ctx, b.op, key, s, load != nil)
		if !ok {
			return false
		}
		if h.state.hasValue() {
			b.values[key] = c.own(h.entry.value)
		}
		switch {
		case h.due:
			c.addNear(c.dueIn(b, load, s), h)
		case h.sampled:
			c.auditNear(ctx, b.op, h, source[K, V]{many: load, settings: s})
		}
		return true
	}
}

// addNear adds what was found in the near tier to what is to be refreshed, as refreshNear does.
func (c *Cache[K, V]) addNear(due *loads[K, V], h nearHit[K, V]) {
	r, err := c.begin(OpGetOrSetMany, h.entry.key)
	if err != nil {
		return
	}
	if c.core.engine.PermitsRefresh(r.redisKey, r.began) {
		r.entry.TTL = h.dueTTL()
		due.addFound(r)
	}
	c.end(r)
}

// dueTTL is the most that Redis may have left of the entry. What has more has come since.
func (h nearHit[K, V]) dueTTL() time.Duration { return h.left + h.entry.Took }

// keep installs what a request has found in Redis in the near tier.
func (c *Cache[K, V]) keep(r *request[K, V]) {
	if c.core.near == nil || r.entry.TTL == 0 || !c.core.near.tier.Permits(r.ticket) {
		return
	}
	if r.state == Absent && r.entry.Leased { // the TTL is that of the lease
		return
	}
	size, _ := r.entry.Size()
	e := &nearEntry[K, V]{key: r.key}
	e.TTL, e.Took = r.entry.TTL, time.Since(r.began)
	if e.Absent = r.state == Absent; !e.Absent {
		e.value = c.own(r.value)
	}
	e.Brief = e.Absent || r.entry.Wire.Len() == 0 && c.core.store.HoldsEmpties()
	c.install(r.ticket, e, size+len(r.redisKey))
}

func (c *Cache[K, V]) install(ticket near.Ticket, e *nearEntry[K, V], bytes int) {
	e.Owner, e.Hash = e, near.Hash(e.key)
	e.Size = uint32(min(bytes+int(unsafe.Sizeof(*e))+near.Overhead, near.MaxSize))
	c.core.near.tier.Install(ticket, &e.Entry)
}

// keepFound installs what a flight has found in Redis for its caller, as keep does. A value that a
// call shares is kept by the one that has found it.
func (l *loads[K, V]) keepFound(item *loadItem[K, V]) {
	c, end := l.cache, &item.job.End
	if item.ticket == nil || end.Err != nil || end.Result == nil || !end.Result.FromRedis || end.Result.Stale ||
		end.Result.TTL == 0 || !c.core.near.tier.Permits(*item.ticket) {
		return
	}
	e, size := &nearEntry[K, V]{key: item.key}, 0
	e.TTL, e.Took = end.Result.TTL, time.Since(item.job.Began)
	e.Absent, e.Brief = end.Result.State == protocol.Absent, true
	if !e.Absent {
		if end.Outcome == flight.Shared {
			return
		}
		e.Brief = end.Result.Entry.Wire.Len() == 0
		e.value = c.own(item.value)
		size, _ = end.Result.Entry.Size()
	}
	c.install(*item.ticket, e, size+len(item.job.Key))
}
