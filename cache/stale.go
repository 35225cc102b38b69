package cache

import (
	"context"
	"errors"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/loader"
)

// answers reports whether what a request has found is the answer of its call.
func (r *request[K, V]) answers(s settings) bool {
	return r.state == Present || r.state == Stale && !s.noStale
}

// isDue reports whether what a lookup has found is to be refreshed in the background.
func (c *core) isDue(l *lookup) bool {
	return c.engine.IsDue(l.redisKey, l.entry.TTL, l.began)
}

// predictsMiss reports whether the plain read of a call is left out. A call that does not want a
// stale value looks whether there is one: it may be its answer in the end.
func (c *core) predictsMiss(l *lookup, s settings) bool {
	return !(s.noStale && c.staleFor > 0) && c.engine.PredictsMiss(l.redisKey)
}

// predictsMissOfOne is predictsMiss for a call for one key.
func (c *core) predictsMissOfOne(l *lookup, s settings) bool {
	return !(s.noStale && c.staleFor > 0) && c.engine.PredictsMissOfOne(l.redisKey)
}

// refresh begins to load the key of a request in the background, which has its answer.
func (c *Cache[K, V]) refresh(ctx context.Context, r *request[K, V], load loader.EntryFunc[K, V], s settings) {
	l := &loads[K, V]{cache: c, source: source[K, V]{one: load, settings: s}}
	l.begin(r.op, l.backing.items[:0], l.backing.jobs[:0])
	l.addFound(r)
	c.core.engine.RefreshInBackground(ctx, &l.run)
}

// addFound adds the key of a request that has found its answer, and is to be refreshed.
func (l *loads[K, V]) addFound(r *request[K, V]) {
	j := l.addDue(r.key)
	j.Key, j.Began, j.Stale, j.TTL = r.redisKey, r.began, protocol.Present, r.entry.TTL
}

func (l *loads[K, V]) addDue(key K) *protocol.Job {
	l.items = append(l.items, loadItem[K, V]{key: key})
	j := &l.items[len(l.items)-1].job
	j.Index = len(l.items) - 1
	l.run.Jobs = append(l.run.Jobs, j)
	return j
}

// refreshFound refreshes in the background, by one call of the loader, what the flights of these
// loads have found in Redis and that is due.
func (l *loads[K, V]) refreshFound(ctx context.Context) {
	c := l.cache
	if c.core.staleFor == 0 {
		return
	}
	var due *loads[K, V]
	for i := range l.items {
		item := &l.items[i]
		end := &item.job.End
		if end.Outcome != flight.Led || end.Result == nil || end.Result.TTL == 0 ||
			!c.core.engine.IsDue(item.job.Key, end.Result.TTL, item.job.Began) {
			continue
		}
		if due == nil {
			due = &loads[K, V]{cache: c, source: l.source}
			due.begin(Op(l.run.Op), make([]loadItem[K, V], 0, len(l.items)), nil)
		}
		j := due.addDue(item.key)
		j.Key, j.Began, j.Stale, j.TTL = item.job.Key, item.job.Began, end.Result.State, end.Result.TTL
	}
	if due != nil {
		c.core.engine.RefreshInBackground(ctx, &due.run)
	}
}

// staleInstead returns what is stale, if there is anything, to a call whose load has failed. That
// the call itself has ended is not made up for.
func (l *loads[K, V]) staleInstead(ctx context.Context, item *loadItem[K, V], cause error) (v V, absent bool, err error) {
	c, op, key := l.cache, Op(l.run.Op), item.job.Key
	switch {
	case c.core.contextError(ctx, op, key) != nil, errors.Is(cause, ErrClosed), errors.Is(cause, errReentrant):
		return v, false, cause
	case item.stale != nil:
		v = *item.stale
	case item.job.Stale == protocol.Absent:
		absent, err = true, ErrNotFound
	default:
		return v, false, cause
	}
	c.core.stats.staleOnError.Add(1)
	if !c.core.IsRedisError(cause) { // of which the observer knows
		c.core.observer.survived(ctx, c.core.error(op, key, ErrStale, cause))
	}
	return v, absent, err
}
