package fleet

import (
	"context"
	"errors"
	"net/rpc"
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
}

// fate draws one. In a calm fleet, and for caches that are to be found guilty, no
// load fails.
func (w *worker) fate(d dice) fate {
	f := fate{before: d.below(3 * time.Millisecond), after: d.below(w.Plan.Load)}
	if n := d.IntN(40); !w.Plan.calm() && w.Plan.Subject == aside {
		f.fails, f.panics = n == 0, n == 1
	}
	return f
}

// loader returns the loader of a key for one call.
func (w *worker) loader(key int, f fate) loader.Func[string, []string] {
	return func(ctx context.Context, _ string) (v []string, err error) {
		asked, _ := ctx.Value(askedKey{}).(instant)
		begin := now()
		l := event{kind: load, op: loading, key: key, asked: asked, span: span{begin, begin}}
		w.journal.tell(l)
		l.outcome = sourceFails // also if it panics
		defer func() {
			l.end = now()
			w.journal.tell(l)
		}()
		err = pause(ctx, f.before)
		var row Row
		if err == nil {
			row, err = w.query(ctx, key)
		}
		if err == nil {
			err = pause(ctx, f.after)
		}
		switch {
		case ctx.Err() != nil:
			l.outcome = left
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		case f.fails:
			return nil, errSource
		case f.panics:
			panic(sourcePanic{})
		}
		l.version = row.Version
		if !row.Exists {
			l.outcome = absent
			return nil, cache.ErrNotFound
		}
		l.outcome = found
		return valueOf(key, row.Version), nil
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
