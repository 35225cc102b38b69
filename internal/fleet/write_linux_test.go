package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asidecache/aside/cache"
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

// ownedWrites are the ways to write a key that nobody else writes, and listWrites those
// that are there for a list as well.
var (
	ownedWrites = []op{del, set, setMany, setMany, setAbsent, setIfAbsent, refresh}
	listWrites  = []op{setEmpty, trim, popFront}
)

// writeOwned changes keys that nobody else changes, in all ways there are.
func (w *worker) writeOwned(ctx context.Context, d dice) {
	whats := ownedWrites
	if w.Plan.List {
		whats = slices.Concat(ownedWrites, listWrites)
	}
	for ctx.Err() == nil {
		_ = pause(ctx, d.below(30*time.Millisecond))
		if w.Plan.List && d.percent(20) {
			w.emptyWhileLoading(ctx, owned(w.Slot)+d.IntN(ownedKeys), d)
			continue
		}
		exists := d.percent(75)
		keys := d.some(ownedKeys, 1)
		for i := range keys {
			keys[i] = owned(w.Slot) + keys[i]
		}
		what := whats[d.IntN(len(whats))]
		if what != del && what != setMany {
			keys = keys[:1]
		}
		switch {
		case w.Plan.Subject != aside:
			what = del
		case what == set || what == setMany || what == setIfAbsent:
			exists = true
		case what == setAbsent || slices.Contains(listWrites, what):
			exists = false
		}
		w.write(what, keys, exists, 0, d)
	}
}

// emptyWhileLoading tells of a value that is gone by a write of elements which finds none,
// while a Refresh loads under a lease that carries a mark: the write has to revoke it.
func (w *worker) emptyWhileLoading(ctx context.Context, key int, d dice) {
	keys := []int{key}
	w.write([]op{setAbsent, setEmpty}[d.IntN(2)], keys, false, 0, d)
	var all sync.WaitGroup
	defer all.Wait()
	if loads := w.begin(refresh, keys, true); loads != nil {
		other := newDice(d.Uint64())
		all.Go(func() { w.finish(loads, 0, other) })
	}
	_ = pause(ctx, d.below(w.Plan.Load))
	w.write([]op{trim, popFront}[d.IntN(2)], keys, false, 0, d)
}

// write changes the source and then tells the cache, and says how that went.
func (w *worker) write(what op, keys []int, exists bool, limit time.Duration, d dice) {
	if events := w.begin(what, keys, exists); events != nil {
		w.finish(events, limit, d)
	}
}

// begin changes the source. It returns what is to be told of each key, nil if that failed.
func (w *worker) begin(what op, keys []int, exists bool) []event {
	begin := now()
	events := make([]event, len(keys))
	for i, key := range keys {
		version, err := w.change(key, exists)
		if err != nil {
			w.odd(what, key, err)
			return nil
		}
		events[i] = event{kind: write, op: what, key: key, version: version, span: span{begin: begin}}
	}
	return events
}

// finish tells the cache of changes, and says how that went.
func (w *worker) finish(events []event, limit time.Duration, d dice) {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = w.names[e.key]
	}
	outcomes := w.inform(events[0].op, names, events, limit, d)
	end := now()
	for i, e := range events {
		e.outcome, e.end = outcomes[i], end
		w.journal.tell(e)
	}
}

// inform tells the cache of changes, and says of each how that went.
func (w *worker) inform(what op, names []string, events []event, limit time.Duration, d dice) []outcome {
	ctx, cancel := limited(context.Background(), limit)
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
		err = w.subject.SetAbsent(ctx, names[0], cache.TTL(w.Plan.longMark()))
	case setEmpty:
		err = w.subject.Set(ctx, names[0], []string{}, cache.TTL(w.Plan.longMark()))
	case trim:
		err = w.list.Trim(ctx, names[0], 1, 0)
	case popFront:
		_, err = w.list.PopFront(ctx, names[0], largeValue)
	case setIfAbsent:
		if err = w.subject.Delete(ctx, names[0]); err == nil {
			_, err = w.subject.SetIfAbsent(ctx, names[0], valueOf(e.key, e.version))
		}
	case refresh:
		return []outcome{w.look(refresh, e.key, limit, w.fate(d))}
	}
	outcomes := make([]outcome, len(events))
	for i, e := range events {
		outcomes[i] = done
		if failure := errorOf(err, names[i]); failure != nil {
			outcomes[i] = w.outcomeOf(what, e.key, limit > 0, failure)
		}
	}
	return outcomes
}
