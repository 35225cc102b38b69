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
		w.read(d, d.IntN(w.Plan.Keys))
	}
}

// read makes one call, which goes on when the worker is told to stop.
func (w *worker) read(d dice, key int) {
	what, patience := getOrSet, time.Duration(0)
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
		patience = d.below(20 * time.Millisecond)
	}
	w.look(what, key, patience, w.fate(d))
}

// look makes a call that reads, and tells of it. Without patience it has all the
// time that it takes. Its outcome is that of a write when it is one: done when it
// has done what it promises.
func (w *worker) look(what op, key int, patience time.Duration, f fate) outcome {
	begin := now()
	e := event{kind: read, op: what, key: key, span: span{begin: begin}}
	ctx := context.WithValue(context.Background(), askedKey{}, begin)
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	v, state, err := w.ask(ctx, what, key, f)
	e.end = now()
	switch {
	case err != nil:
		e.outcome = w.outcomeOf(what, key, patience > 0, err)
	case state == cache.Present:
		e.outcome = found
		if e.version, err = versionOf(key, v); err != nil {
			w.odd(what, key, err)
			e.outcome = unknown
		}
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

// ask makes a call that reads. A panic of its loader is its error.
func (w *worker) ask(ctx context.Context, what op, key int, f fate) (v []string, state cache.State, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case sourcePanic:
			err = errSource
		default:
			panic(r)
		}
	}()
	name := w.names[key]
	switch what {
	case getOrSet:
		v, err = w.subject.GetOrSet(ctx, name, w.loader(key, f))
	case refresh:
		v, err = w.subject.Refresh(ctx, name, w.loader(key, f))
	case get:
		var ok bool
		v, ok, err = w.subject.Get(ctx, name)
		if !ok {
			return v, cache.Missing, err
		}
	case touch:
		_, err = w.subject.Touch(ctx, name)
		return nil, cache.Missing, err
	case entry:
		e, err := w.subject.Entry(ctx, name)
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

// writeShared changes keys that others change, too. What stores a value of its
// caller is no way to do that, since two may take effect in either order.
func (w *worker) writeShared(ctx context.Context, d dice) {
	for ctx.Err() == nil {
		_ = pause(ctx, d.below(30*time.Millisecond))
		keys := []int{d.IntN(sharedKeys)}
		switch n := d.IntN(10); {
		case n < 7 || w.Plan.Subject != aside:
			w.write(del, keys, d.percent(75), 0, d)
		case n == 7: // two at once
			w.write(del, append(keys, (keys[0]+1)%sharedKeys), d.percent(75), 0, d)
		case n == 8:
			w.write(del, keys, d.percent(75), d.below(3*time.Millisecond), d)
		case n == 9:
			w.write(refresh, keys, d.percent(75), 0, d)
		}
	}
}

// writeOwned changes a key that nobody else changes, in all ways there are.
func (w *worker) writeOwned(ctx context.Context, d dice) {
	keys := []int{owned(w.Slot)}
	for ctx.Err() == nil {
		_ = pause(ctx, d.below(30*time.Millisecond))
		exists := d.percent(75)
		what := []op{del, set, set, setAbsent, setIfAbsent, refresh}[d.IntN(6)]
		switch {
		case w.Plan.Subject != aside:
			what = del
		case what == set || what == setIfAbsent:
			exists = true
		case what == setAbsent:
			exists = false
		}
		w.write(what, keys, exists, 0, d)
	}
}

// write changes the source and then tells the cache, and says how that went.
func (w *worker) write(what op, keys []int, exists bool, patience time.Duration, d dice) {
	begin := now()
	events := make([]event, len(keys))
	names := make([]string, len(keys))
	for i, key := range keys {
		version, err := w.change(key, exists)
		if err != nil {
			w.odd(what, key, err)
			return
		}
		events[i] = event{kind: write, op: what, key: key, version: version, span: span{begin: begin}}
		names[i] = w.names[key]
	}
	result := w.inform(what, names, events[0], patience, d)
	end := now()
	for _, e := range events {
		e.outcome, e.end = result, end
		w.journal.tell(e)
	}
}

// inform tells the cache of a change.
func (w *worker) inform(what op, names []string, e event, patience time.Duration, d dice) outcome {
	ctx := context.Background()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var err error
	switch what {
	case del:
		err = w.subject.Delete(ctx, names...)
	case set:
		err = w.subject.Set(ctx, names[0], valueOf(e.key, e.version))
	case setAbsent:
		err = w.subject.SetAbsent(ctx, names[0])
	case setIfAbsent:
		if err = w.subject.Delete(ctx, names[0]); err == nil {
			_, err = w.subject.SetIfAbsent(ctx, names[0], valueOf(e.key, e.version))
		}
	case refresh:
		return w.look(refresh, e.key, patience, w.fate(d))
	}
	if err != nil {
		return w.outcomeOf(what, e.key, patience > 0, err)
	}
	return done
}
