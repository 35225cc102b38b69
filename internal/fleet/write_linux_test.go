package fleet

import (
	"context"
	"time"
)

// writeShared changes keys that others change, too. What stores a value of its
// caller is no way to do that, since two may take effect in either order.
func (w *worker) writeShared(ctx context.Context, d dice) {
	for ctx.Err() == nil {
		_ = pause(ctx, d.below(30*time.Millisecond))
		keys := []int{d.IntN(sharedKeys)}
		switch n := d.IntN(10); {
		case n < 7 || w.Plan.Subject != aside:
			w.write(del, keys, d.percent(75), 0, d)
		case n == 7: // several at once
			w.write(del, d.some(sharedKeys, 2), d.percent(75), 0, d)
		case n == 8:
			w.write(del, keys, d.percent(75), d.below(3*time.Millisecond), d)
		case n == 9:
			w.write(refresh, keys, d.percent(75), 0, d)
		}
	}
}

// writeOwned changes keys that nobody else changes, in all ways there are.
func (w *worker) writeOwned(ctx context.Context, d dice) {
	for ctx.Err() == nil {
		_ = pause(ctx, d.below(30*time.Millisecond))
		exists := d.percent(75)
		keys := d.some(ownedKeys, 1)
		for i := range keys {
			keys[i] = owned(w.Slot) + keys[i]
		}
		what := []op{del, set, setMany, setMany, setAbsent, setIfAbsent, refresh}[d.IntN(7)]
		if what != del && what != setMany {
			keys = keys[:1]
		}
		switch {
		case w.Plan.Subject != aside:
			what = del
		case what == set || what == setMany || what == setIfAbsent:
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
	outcomes := w.inform(what, names, events, patience, d)
	end := now()
	for i, e := range events {
		e.outcome, e.end = outcomes[i], end
		w.journal.tell(e)
	}
}

// inform tells the cache of changes, and says of each how that went.
func (w *worker) inform(what op, names []string, events []event, patience time.Duration, d dice) []outcome {
	ctx, cancel := patient(context.Background(), patience)
	defer cancel()
	e := events[0]
	var err error
	switch what {
	case del:
		err = w.subject.Delete(ctx, names...)
	case set:
		err = w.subject.Set(ctx, names[0], valueOf(e.key, e.version))
	case setMany:
		values := make(map[string][]string)
		for i, e := range events {
			values[names[i]] = valueOf(e.key, e.version)
		}
		err = w.subject.SetMany(ctx, values)
	case setAbsent:
		err = w.subject.SetAbsent(ctx, names[0])
	case setIfAbsent:
		if err = w.subject.Delete(ctx, names[0]); err == nil {
			_, err = w.subject.SetIfAbsent(ctx, names[0], valueOf(e.key, e.version))
		}
	case refresh:
		return []outcome{w.look(refresh, e.key, patience, w.fate(d))}
	}
	outcomes := make([]outcome, len(events))
	for i, e := range events {
		outcomes[i] = done
		if failure := errorOf(err, names[i]); failure != nil {
			outcomes[i] = w.outcomeOf(what, e.key, patience > 0, failure)
		}
	}
	return outcomes
}
