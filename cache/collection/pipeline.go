package collection

import (
	"context"
	"errors"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/pipeline"
	"github.com/asidecache/aside/internal/store"
)

// A Pipeline sends operations of several collections and caches in one round trip, on a
// cluster in one to each master that has keys of them. They are queued through the In of a
// collection or a cache, and sent by Exec or ExecAtomic; then each future has its result:
//
//	var p collection.Pipeline
//	u := users.In(&p).Get(42)
//	n := tags.In(&p).PushBack(42, "a", "b")
//	top := scores.In(&p).Range("day", 0, 9)
//	if err := p.Exec(ctx); err != nil {
//		return err
//	}
//	user, err := u.Result()
//
// The zero Pipeline is ready for use, and empty again after Exec. All collections and
// caches have to be made of one client. A Pipeline is not safe for concurrent use.
type Pipeline struct{ operations }

// operations is embedded so that a cache finds it.
type operations = pipeline.Operations

// A Future is the result of an operation in a Pipeline. Its method Result returns what the
// method of the collection itself would have returned, once the pipeline has been sent, and
// an error before. A Found stands for two results of the method.
type Future[T any] = cache.Future[T]

// A Found is a value that may exist or not: a future has it in place of two results, in the
// fields Value and OK.
type Found[T any] = cache.Found[T]

// enqueueDelete adds a Delete of one key to a pipeline.
func enqueueDelete[K comparable](p *Pipeline, k keyed[K], key K) *Future[struct{}] {
	const op = cache.OpDelete
	name, err := k.redisKey(op, key)
	if err != nil {
		return pipeline.Failed[struct{}](p, err)
	}
	o := k.core.operation(k.core.store.DeleteStep(name))
	return pipeline.Add(p, o, func(ctx context.Context, err error) (none struct{}, _ error) {
		if err != nil {
			err = k.core.redisError(ctx, op, name, err)
		}
		return none, err
	})
}

// operation is a step in a pipeline.
func (c *core) operation(step store.Step) pipeline.Operation {
	return pipeline.Operation{
		Client: c.rdb, Store: c.store, Step: step,
		Closed: c.closed.Load,
		Fail: func(key string, kind, cause error) error {
			return c.error(cache.OpExec, key, kind, cause)
		},
		Begin: c.store.WritingOf(step),
	}
}

// Len returns how many operations are queued.
func (p *Pipeline) Len() int { return pipeline.Len(&p.operations) }

// Exec sends what is queued, and waits for Redis as long as the collection or cache of the
// first operation would. Each operation is one step, and those of one key are executed in
// their order; others may come between them. The error is that of the first operation that
// failed; others may have been executed, and each future has its own.
//
// Where a collection or cache of a write has WaitReplicas, Exec waits for the most that
// one asks for.
func (p *Pipeline) Exec(ctx context.Context) error { return p.exec(ctx, false) }

// ExecAtomic is Exec in one step, by MULTI and EXEC: nothing else comes between the
// operations. If one could not be queued, none is sent. On a cluster all keys have to lie in
// one slot, or else the error is an ErrSlots and nothing has been sent. As in Redis itself,
// an operation that fails while it is executed, because its key holds another type for
// example, does not undo the others.
func (p *Pipeline) ExecAtomic(ctx context.Context) error { return p.exec(ctx, true) }

var errClients = errors.New("the collections and caches of a pipeline have to be made of one client")

func (p *Pipeline) exec(ctx context.Context, atomic bool) error {
	all, first := pipeline.Drain(&p.operations)
	if len(all) == 0 {
		return first
	}
	if atomic && first != nil {
		return failAll(all, first)
	}
	if err := sendable(all, atomic); err != nil {
		return failAll(all, err)
	}
	errs := send(ctx, all, atomic)
	for i, o := range all {
		if err := o.Finish(ctx, errs[i]); first == nil {
			first = err
		}
	}
	return first
}

// send returns an error, or nil, for each operation.
func send(ctx context.Context, all []pipeline.Operation, atomic bool) []error {
	now := time.Now()
	steps := make([]store.Step, len(all))
	replicas := 0
	for i, o := range all {
		steps[i] = o.Step
		if o.Step.Durable() {
			replicas = max(replicas, o.Store.Replicas())
		}
		if o.Begin == nil {
			continue
		}
		end, err := o.Begin(ctx, now)
		defer end()
		if err != nil {
			return same(err, len(all))
		}
	}
	return all[0].Store.DoAll(ctx, now, steps, atomic, replicas)
}

func same(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// sendable returns the error of a pipeline that cannot be sent.
func sendable(all []pipeline.Operation, atomic bool) error {
	first := all[0]
	var keys []string
	for _, o := range all {
		switch {
		case o.Closed():
			return o.Fail("", cache.ErrClosed, nil)
		case o.Client != first.Client:
			return o.Fail("", nil, errClients)
		}
		keys = append(keys, o.Step.Key())
	}
	if !atomic {
		return nil
	}
	if err := first.Store.OneSlot(keys); err != nil {
		return first.Fail(keys[0], ErrSlots, err)
	}
	return nil
}

// failAll fails all futures with the error for which nothing was sent.
func failAll(all []pipeline.Operation, err error) error {
	for _, o := range all {
		o.NotSent(err)
	}
	return err
}
