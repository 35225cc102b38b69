package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/cache"
)

// readOn reads one key after another until ctx ends.
func (w *worker) readOn(ctx context.Context, d dice) {
	for ctx.Err() == nil {
		_ = pause(ctx, d.below(2*time.Millisecond))
		if d.percent(w.Plan.Batches) {
			w.readMany(d)
		} else {
			w.read(d, d.IntN(w.Plan.Keys))
		}
	}
}

// read makes one call, which goes on when the worker is told to stop.
func (w *worker) read(d dice, key int) {
	what, limit := getOrSet, time.Duration(0)
	switch n := d.IntN(1000); {
	case n < 100:
		what = get
	case n < 150:
		what = entry
	case w.Plan.calm() || w.Plan.Subject != aside:
	case n < 155:
		what = refresh
	case n < 200:
		what = touch
	case n < 300:
		limit = d.below(20 * time.Millisecond)
	}
	w.look(what, key, limit, w.fate(d))
}

// look makes a call that reads, and tells of it. Without a limit it has all the
// time that it takes. Its outcome is that of a write when it is one: done when it
// has done what it promises.
func (w *worker) look(what op, key int, limit time.Duration, f fate) outcome {
	begin := now()
	e := event{kind: read, op: what, key: key, near: f.near, span: span{begin: begin}}
	ctx, cancel := limited(context.WithValue(context.Background(), askedKey{}, begin), limit)
	defer cancel()
	v, state, err := w.ask(ctx, what, key, f)
	e.end = now()
	switch {
	case err != nil:
		e.outcome = w.outcomeOf(what, key, limit > 0, err)
	case state == cache.Present, state == cache.Stale:
		e.outcome, e.version = w.seen(what, key, v)
	case state == cache.Absent:
		e.outcome = absent
	default:
		e.outcome = nothing
	}
	w.journal.tell(e)
	if e.outcome == found || e.outcome == absent {
		return done
	}
	return e.outcome
}

// seen sorts a value. An empty list says that the source has none, as no value would. One
// that is none is remembered.
func (w *worker) seen(what op, key int, v []string) (outcome, int) {
	if w.Plan.List && len(v) == 0 {
		return absent, 0
	}
	version, err := versionOf(key, v)
	if err != nil {
		w.odd(what, key, err)
		return unknown, 0
	}
	return found, version
}

// limited returns a context that ends after so long, or not at all without limit.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit > 0 {
		return context.WithTimeout(ctx, limit)
	}
	return ctx, func() {}
}

// rescue makes a panic of a loader the error of the call that it has come out of.
func rescue(err *error) {
	switch r := recover().(type) {
	case nil:
	case sourcePanic:
		*err = errSource
	default:
		panic(r)
	}
}

// ask makes a call that reads. A panic of its loader is its error.
func (w *worker) ask(ctx context.Context, what op, key int, f fate) (v []string, state cache.State, err error) {
	defer rescue(&err)
	name := w.names[key]
	switch what {
	case getOrSet:
		v, err = w.subject.GetOrSet(ctx, name, w.loader(f), f.options...)
	case refresh:
		v, err = w.subject.Refresh(ctx, name, w.loader(f))
	case get:
		var ok bool
		v, ok, err = w.subject.Get(ctx, name, f.options...)
		if !ok {
			return v, cache.Missing, err
		}
	case touch:
		_, err = w.subject.Touch(ctx, name)
		return nil, cache.Missing, err
	case entry:
		e, err := w.subject.Entry(ctx, name, f.options...)
		return e.Value, e.State, err
	}
	if errors.Is(err, cache.ErrNotFound) {
		return nil, cache.Absent, nil
	}
	return v, cache.Present, err
}

// outcomeOf sorts an error. One that nothing explains is remembered.
func (w *worker) outcomeOf(what op, key int, hasDeadline bool, err error) outcome {
	switch {
	case hasDeadline && errors.Is(err, context.DeadlineExceeded):
		return left
	case w.Plan.calm():
	case errors.Is(err, errSource), errors.Is(err, cache.ErrPanic):
		return sourceFails
	case errors.Is(err, cache.ErrRedis):
		return redisFails
	}
	w.odd(what, key, err)
	return unknown
}
