package collection

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/store"
)

// A Pipeline sends operations of several collections in one round trip, on a cluster
// one to each master that is concerned. They are queued through a collection's In, and
// sent by Exec or ExecAtomic; then each future has its result:
//
//	var p collection.Pipeline
//	n := tags.In(&p).PushBack(42, "a", "b")
//	top := scores.In(&p).Range("day", 0, 9)
//	if err := p.Exec(ctx); err != nil {
//		return err
//	}
//	best, err := top.Result()
//
// The zero Pipeline is ready for use, and empty again after Exec. All collections have
// to have been made of one client. A Pipeline is not safe for concurrent use.
type Pipeline struct {
	queued []queued
	err    error // of the first operation that could not be queued
}

// A queued operation has a future, whose type only settle knows.
type queued struct {
	core    *core
	request *store.Request
	settle  func(ctx context.Context, err error) error // err is of the store
	refuse  func(err error)
}

// A Future is the result of an operation in a Pipeline, once that has been sent.
type Future[T any] struct {
	value T
	err   error
}

var errNotSent = errors.New("aside: the pipeline has not been sent: call Exec first")

// Result returns what the method of the collection itself would have returned. What is
// Found has two results there.
func (f *Future[T]) Result() (T, error) { return f.value, f.err }

// queue adds an operation to a pipeline.
func queue[T any](p *Pipeline, o operation[T]) *Future[T] {
	f := &Future[T]{err: errNotSent}
	switch {
	case o.err != nil:
		f.err = o.err
		if p.err == nil {
			p.err = o.err
		}
		return f
	case o.request == nil:
		f.err = nil
		return f
	}
	settle := func(ctx context.Context, err error) error {
		if err != nil {
			f.err = o.failed(ctx, err)
			return f.err
		}
		f.value, f.err = o.take(o.request)
		o.core.release(o.request)
		return f.err
	}
	p.queued = append(p.queued, queued{o.core, o.request, settle, func(err error) { f.err = err }})
	return f
}

// Len returns how many operations are queued.
func (p *Pipeline) Len() int { return len(p.queued) }

// Exec sends what is queued, and waits for Redis as long as the collection of the first
// operation would. Each operation is one step, and those of one key are carried out in
// their order; others may come between them. The error is that of the first operation
// that failed; others may have been carried out, and each future has its own.
func (p *Pipeline) Exec(ctx context.Context) error { return p.exec(ctx, false) }

// ExecAtomic is Exec in one step, by MULTI and EXEC: nothing else comes between the
// operations. One that could not be queued keeps all of them from being sent. On a
// cluster all keys have to lie in one slot, or else the error is an ErrSlots and nothing
// has been sent. As in Redis itself, an operation that fails while it is carried out,
// because its key holds another type say, does not undo the others.
func (p *Pipeline) ExecAtomic(ctx context.Context) error { return p.exec(ctx, true) }

const opExec cache.Op = "Exec"

var errClients = errors.New("the collections of a pipeline have to be made of one client")

func (p *Pipeline) exec(ctx context.Context, atomic bool) error {
	all, first := p.queued, p.err
	p.queued, p.err = nil, nil
	if len(all) == 0 {
		return first
	}
	if atomic && first != nil {
		return refuseAll(all, first)
	}
	c := all[0].core
	if err := sendable(all, atomic); err != nil {
		return refuseAll(all, err)
	}
	requests := make([]*store.Request, len(all))
	for i, q := range all {
		requests[i] = q.request
	}
	errs := c.store.DoAll(ctx, time.Now(), requests, atomic)
	for i, q := range all {
		if err := q.settle(ctx, errs[i]); first == nil {
			first = err
		}
	}
	return first
}

// sendable returns why a pipeline cannot be sent.
func sendable(all []queued, atomic bool) error {
	c := all[0].core
	var keys []string
	for _, q := range all {
		switch {
		case q.core.closed.Load():
			return q.core.fail(opExec, "", cache.ErrClosed, nil)
		case q.core.rdb != c.rdb:
			return q.core.fail(opExec, "", nil, errClients)
		}
		keys = append(keys, q.request.Key())
	}
	if !atomic {
		return nil
	}
	if err := c.store.OneSlot(keys); err != nil {
		return c.fail(opExec, keys[0], ErrSlots, err)
	}
	return nil
}

// refuseAll gives all futures the error for which nothing was sent.
func refuseAll(all []queued, err error) error {
	for _, q := range all {
		q.refuse(err)
	}
	return err
}
