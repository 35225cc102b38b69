package fleet

import (
	"context"
	"errors"
	"net/rpc"
	"slices"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/loader"
)

var errSource = errors.New("the source failed")

// sourcePanic is what loaders panic with.
type sourcePanic struct{}

// A fate is what will become of a load.
type fate struct {
	before, after time.Duration // it takes so long before it reads the source, and afterwards
	fails, panics bool
	failsSome     bool // of many keys: the load fails for every second one

	options []cache.Option // of a call that reads
	near    bool           // its near cache may answer
}

// fate draws one. In a calm fleet, and for caches that are to be found guilty, no
// load fails.
func (w *worker) fate(d dice) fate {
	f := fate{before: d.below(3 * time.Millisecond), after: d.below(w.Plan.Load)}
	if w.Plan.Stale > 0 && d.percent(5) {
		f.options = []cache.Option{cache.NoStale()}
	}
	if f.near = w.Plan.Near != nil; f.near && d.percent(30) {
		f.near, f.options = false, []cache.Option{cache.SkipNear()}
	}
	if n := d.IntN(40); !w.Plan.calm() && w.Plan.Subject == aside {
		f.fails, f.panics, f.failsSome = n == 0, n == 1, n == 2
	}
	return f
}

// loader returns the loader of one call for a key.
func (w *worker) loader(f fate) loader.Func[string, []string] {
	many := w.batchLoader(f)
	return func(ctx context.Context, name string) ([]string, error) {
		values, err := many(ctx, []string{name})
		if err != nil {
			return nil, err
		}
		v, ok := values[name]
		if !ok {
			return nil, cache.ErrNotFound
		}
		return v, nil
	}
}

// batchLoader returns the loader of one call for many keys.
func (w *worker) batchLoader(f fate) loader.BatchFunc[string, []string] {
	return func(ctx context.Context, names []string) (values map[string][]string, err error) {
		loads := w.beginLoads(ctx, names)
		defer func() { w.endLoads(loads) }()
		err = pause(ctx, f.before)
		rows := make([]Row, len(loads))
		for i := range loads {
			if err == nil {
				rows[i], err = w.query(ctx, loads[i].key)
			}
		}
		if err == nil {
			err = pause(ctx, f.after)
		}
		switch {
		case ctx.Err() != nil:
			for i := range loads {
				loads[i].outcome = left
			}
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		case f.fails:
			return nil, errSource
		case f.panics:
			panic(sourcePanic{})
		}
		values = make(map[string][]string)
		failed := make(map[string]error)
		for i, row := range rows {
			switch l := &loads[i]; {
			case f.failsSome && i%2 == 1:
				failed[names[i]] = errSource
			case !row.Exists:
				l.version, l.outcome = row.Version, absent
			default:
				l.version, l.outcome = row.Version, found
				values[names[i]] = valueOf(l.key, row.Version)
			}
		}
		if len(failed) > 0 {
			return values, &cache.BatchError[string]{Errs: failed}
		}
		return values, nil
	}
}

// beginLoads tells that keys are being loaded together. Unless somebody says otherwise,
// their loads fail, also by a panic.
func (w *worker) beginLoads(ctx context.Context, names []string) []event {
	asked, _ := ctx.Value(askedKey{}).(instant)
	begin := now()
	loads := make([]event, len(names))
	for i, name := range names {
		loads[i] = event{kind: load, op: loading, key: slices.Index(w.names, name), asked: asked, span: span{begin, begin}}
		w.journal.tell(loads[i])
		loads[i].outcome = sourceFails
	}
	return loads
}

func (w *worker) endLoads(loads []event) {
	end := now()
	for _, l := range loads {
		l.end = end
		w.journal.tell(l)
	}
}

// askedKey is where the context of a call says when the call began. A load has the
// values of its first caller's context.
type askedKey struct{}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// query reads the source.
func (w *worker) query(ctx context.Context, key int) (row Row, err error) {
	call := w.source.Go("Source.Read", key, new(Row), make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		return *call.Reply.(*Row), call.Error
	case <-ctx.Done():
		return row, ctx.Err()
	}
}

// change writes the source and returns the new version.
func (w *worker) change(key int, exists bool) (version int, err error) {
	var row Row
	err = w.source.Call("Source.Write", Change{key, exists, w.Process}, &row)
	return row.Version, err
}

// sawError tells when Redis failed a call.
func (w *worker) sawError(_ context.Context, err *cache.Error) {
	if key, ok := w.index[err.Key]; ok && errors.Is(err, cache.ErrRedis) {
		at := now()
		w.journal.tell(event{kind: failure, key: key, span: span{at, at}})
	}
}

// sawDelivery tells of the time from a write that Redis failed until its delete was delivered.
func (w *worker) sawDelivery(_ context.Context, d cache.DeliveryEvent) {
	if key, ok := w.index[d.Key]; ok {
		at := now()
		w.journal.tell(event{kind: undelivered, key: key, span: span{at.add(-d.Duration), at}})
	}
}

// sawBreaker tells when the process begins not to ask Redis, and of all that time when it is over.
// The first command without an answer is the begin.
func (w *worker) sawBreaker(_ context.Context, e cache.BreakerEvent) {
	at := now()
	if e.State == cache.BreakerOpen {
		since := at.add(-time.Since(e.Since))
		w.open[e.Server] = since
		w.journal.tell(event{kind: failure, op: breakerOpens, key: noKey, span: span{since, since}})
		return
	}
	w.journal.tell(event{kind: failure, op: breakerCloses, key: noKey, span: span{w.open[e.Server], at}})
}
