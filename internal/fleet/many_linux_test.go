package fleet

import (
	"context"
	"time"

	"github.com/asidecache/aside/cache"
)

// readMany makes one call for several keys, in any order. What others ask for at the
// same time overlaps with them.
func (w *worker) readMany(d dice) {
	what, limit := getOrSetMany, time.Duration(0)
	switch n := d.IntN(100); {
	case n < 20:
		what = getMany
	case w.Plan.calm() || w.Plan.Subject != aside:
	case n < 30:
		limit = d.below(20 * time.Millisecond)
	}
	w.lookMany(what, d.some(w.Plan.Keys, 2), limit, w.fate(d))
}

// lookMany is look for many keys, and tells of each.
func (w *worker) lookMany(what op, keys []int, limit time.Duration, f fate) {
	begin := now()
	ctx, cancel := limited(context.WithValue(context.Background(), askedKey{}, begin), limit)
	defer cancel()
	values, err := w.askMany(ctx, what, keys, f)
	end := now()
	for _, key := range keys {
		e := event{kind: read, op: what, key: key, near: f.near, span: span{begin, end}}
		v, ok := values[w.names[key]]
		switch failure := errorOf(err, w.names[key]); {
		case failure != nil:
			e.outcome = w.outcomeOf(what, key, limit > 0, failure)
		case ok:
			e.outcome, e.version = w.seen(what, key, v)
		case what == getOrSetMany:
			e.outcome = absent
		default:
			e.outcome = nothing
		}
		w.journal.tell(e)
	}
}

// askMany is ask for many keys. The first of them is asked for twice, which must make no
// difference.
func (w *worker) askMany(ctx context.Context, what op, keys []int, f fate) (values map[string][]string, err error) {
	defer rescue(&err)
	names := make([]string, 0, len(keys)+1)
	for _, key := range keys {
		names = append(names, w.names[key])
	}
	names = append(names, names[0])
	if what == getMany {
		return w.subject.GetMany(ctx, names, f.options...)
	}
	return w.subject.GetOrSetMany(ctx, names, w.batchLoader(f), f.options...)
}

// errorOf returns what the error of a call says of one of its keys.
func errorOf(err error, name string) error {
	if some, ok := err.(*cache.BatchError[string]); ok {
		return some.Errs[name]
	}
	return err
}
