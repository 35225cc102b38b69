package cache

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/near"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// loads is the typed side of a protocol.Run: the loader of one call, the keys that it is for
// and the values that it has returned. The flight that runs it may outlive the call: so it is
// never used again, and shares no memory with a request.
type loads[K comparable, V any] struct {
	cache *Cache[K, V]
	run   protocol.Run
	source[K, V]
	items []loadItem[K, V]

	// What the loader of a call for one key has said of the value.
	ttl     time.Duration
	noStore bool

	backing struct { // of a call for one key
		items [1]loadItem[K, V]
		jobs  [1]*protocol.Job
	}
}

// A source is what a call loads by: one of the loaders, and the settings of the call.
type source[K comparable, V any] struct {
	one      loader.EntryFunc[K, V] // of a call for one key
	many     loader.BatchFunc[K, V] // of a call for many
	settings settings
}

// A loadItem is one key of loads.
type loadItem[K comparable, V any] struct {
	job    protocol.Job
	key    K
	value  V            // the caller's own: what its loader returned, or what Redis had
	err    error        // of the loader; ErrNotFound, as the loader said it, with absent
	found  bool         // the source has a value: err is nil
	ticket *near.Ticket // of the call, if there is a near tier
	stale  *V           // what Redis has, for a call that does not want it unless its load fails
}

// begin makes l ready for items, which have room for all that are to be added.
func (l *loads[K, V]) begin(op Op, items []loadItem[K, V], jobs []*protocol.Job) {
	l.items = items
	l.run = protocol.Run{
		Op: string(op), Refresh: op == OpRefresh, NoStale: l.settings.noStale, Loader: l, Jobs: jobs,
	}
}

// add adds the key of a request and ends that. failed is the error of a read that Redis has
// failed: an error says that the call does not go on without.
func (l *loads[K, V]) add(ctx context.Context, r *request[K, V], failed error) error {
	c := l.cache
	l.items = append(l.items, loadItem[K, V]{key: r.key})
	j := &l.items[len(l.items)-1].job
	j.Key, j.Index, j.Began = r.redisKey, len(l.items)-1, r.began
	j.Broken, j.Outdated = r.broken, r.outdated
	if c.core.near != nil {
		ticket := r.ticket
		l.items[j.Index].ticket = &ticket
	}
	if r.state == Stale {
		stale := r.value
		l.items[j.Index].stale, j.Stale = &stale, protocol.Present
	}
	if failed == nil {
		c.end(r)
	} else if err := c.core.engine.Degrade(ctx, &l.run, j, failed); err != nil {
		c.core.reportUnanswered(ctx, j.Key, j.Began)
		l.items = l.items[:len(l.items)-1]
		return err
	}
	l.run.Jobs = append(l.run.Jobs, j)
	return nil
}

// Load is part of protocol.Loader.
func (l *loads[K, V]) Load(ctx context.Context, jobs []*protocol.Job) protocol.LoadResult {
	if l.one != nil {
		return l.loadOne(ctx, &l.items[jobs[0].Index])
	}
	keys := make([]K, len(jobs))
	for i, j := range jobs {
		keys[i] = l.items[j.Index].key
	}
	values, err := l.many(ctx, keys)
	for _, j := range jobs {
		l.items[j.Index].take(values, err)
	}
	r := protocol.LoadResult{Err: err}
	switch {
	case err == nil && len(values) > 0:
		r.Outcome = protocol.LoadOK
	case err == nil || isAbsence[K](err):
		r.Outcome = protocol.LoadNotFound
	default:
		r.Outcome = protocol.LoadFailed
	}
	return r
}

func (l *loads[K, V]) loadOne(ctx context.Context, item *loadItem[K, V]) protocol.LoadResult {
	e, err := l.one(ctx, item.key)
	l.ttl, l.noStore = e.TTL, e.NoStore
	item.value, item.err, item.found = e.Value, err, err == nil
	r := protocol.LoadResult{Err: err}
	switch {
	case err == nil:
		r.Outcome = protocol.LoadOK
	case errors.Is(err, ErrNotFound):
		r.Outcome = protocol.LoadNotFound
	default:
		r.Outcome = protocol.LoadFailed
	}
	return r
}

// take sets what a batch load has found for the key.
func (item *loadItem[K, V]) take(values map[K]V, err error) {
	err = keyError(err, item.key)
	v, ok := values[item.key]
	if err == nil && !ok {
		err = ErrNotFound
	}
	item.value, item.err, item.found = v, err, err == nil
}

// isAbsent reports whether the loader has said that the source has no value for the key.
func (l *loads[K, V]) isAbsent(item *loadItem[K, V]) bool {
	if l.one != nil {
		return errors.Is(item.err, ErrNotFound)
	}
	return isAbsence[K](item.err)
}

// Encode is part of protocol.Loader.
func (l *loads[K, V]) Encode(ctx context.Context, j *protocol.Job, callers int) (loaded protocol.Loaded) {
	c, item := l.cache, &l.items[j.Index]
	switch {
	case item.found:
	case l.isAbsent(item):
		c.core.stats.loaded.Add(1)
		loaded.State = protocol.Absent
		ttl, remembered := c.core.absentTTL()
		if loaded.TTL = ttl; !remembered {
			loaded.Skip = protocol.AbsentOff
		}
		return loaded
	default:
		loaded.Err = item.err
		return loaded
	}
	c.core.stats.loaded.Add(1)
	loaded.State = protocol.Present
	own, size, err := l.encode(ctx, j, item, callers)
	if err != nil {
		loaded.Err, loaded.Skip = err, protocol.Outcome(notEncoded(err))
		return loaded
	}
	loaded.Bytes = size
	ttl, alive := c.lifetime(l.settings, l.ttl, item.key, &item.value)
	item.value = own
	switch {
	case l.noStore:
		loaded.Skip = protocol.NoStore
	case !alive:
		loaded.Skip = protocol.Expired
	default:
		loaded.TTL = ttl
	}
	return loaded
}

// encode puts the item's value into the Entry of its job, and returns the value that the call
// gets. The observer hears of an error.
func (l *loads[K, V]) encode(ctx context.Context, j *protocol.Job, item *loadItem[K, V], callers int) (own V, size int, err error) {
	c := l.cache
	own = item.value // whatever the codec and TTLFor do to what they are shown
	size, err = c.encodeLoaded(&j.Entry, j.Key, &item.value, callers)
	if err == nil && c.core.decoded {
		own, err = c.prove(&j.Entry)
	}
	if err != nil {
		failure := c.core.error(Op(l.run.Op), j.Key, ErrEncode, err)
		c.core.observer.survived(ctx, failure)
		return own, 0, failure
	}
	return own, size, nil
}

// Decode is part of protocol.Loader.
func (l *loads[K, V]) Decode(j *protocol.Job, e *store.Entry) error {
	item := &l.items[j.Index]
	var none V
	item.value, item.err = none, nil
	return l.cache.parse(&e.Wire, &item.value)
}

// result returns what has become of a key, for the call. With absent, the error is the
// loader's own, or ErrNotFound. A load that has failed is made up for by what is stale.
func (l *loads[K, V]) result(ctx context.Context, i int) (v V, absent bool, err error) {
	v, absent, err = l.outcome(ctx, i)
	if err != nil && !absent && l.settings.noStale {
		return l.staleInstead(ctx, &l.items[i], err)
	}
	return v, absent, err
}

func (l *loads[K, V]) outcome(ctx context.Context, i int) (v V, absent bool, err error) {
	c, item := l.cache, &l.items[i]
	end := &item.job.End
	l.keepFound(item)
	switch {
	case end.Err != nil:
		return v, false, c.core.flightError(ctx, Op(l.run.Op), item.job.Key, end.Outcome, end.Err)
	case end.Outcome == flight.Shared && end.Result.State == protocol.Absent:
		c.core.stats.shared.Add(1)
		return v, true, ErrNotFound
	case end.Outcome == flight.Shared:
		v, err = c.share(ctx, Op(l.run.Op), item.job.Key, end.Result)
		return v, false, err
	case end.Result.State == protocol.Absent:
		return v, true, cmp.Or(item.err, ErrNotFound)
	}
	return item.value, false, nil
}

// share returns what another's flight has found. Each caller decodes a value of its own, so
// that none sees what another does to its value.
func (c *Cache[K, V]) share(ctx context.Context, op Op, redisKey string, f *protocol.Result) (v V, err error) {
	c.core.stats.shared.Add(1)
	r := c.idle()
	r.entry.Alias(f.Entry)
	err = c.parse(&r.entry.Wire, &r.value)
	if err == nil {
		v = r.value
		c.end(r)
		return v, nil
	}
	c.core.trial.begin()
	kind := ErrEncode // the load has encoded what cannot be decoded
	if f.FromRedis {
		kind = ErrDecode
	}
	own := c.core.error(op, redisKey, kind, err)
	c.core.observer.survived(ctx, own)
	return v, own
}
