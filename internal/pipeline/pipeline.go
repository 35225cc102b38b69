// Package pipeline is what caches and collections tell a pipeline: which operations are to
// be sent together, and what to do with their answers.
package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/store"
)

// An Operation is a call of a method, ready to be sent along with others.
type Operation struct {
	Client redis.UniversalClient // of the cache or collection
	Store  *store.Store
	Step   store.Step

	Closed func() bool                               // reports whether that is closed
	Fail   func(key string, kind, cause error) error // an error of the pipeline as a whole

	// Begin is called before anything is sent. The end that it returns is called in every
	// case, when all has been answered. Begin may be nil.
	Begin func(ctx context.Context, now time.Time) (end func(), err error)
	// Finish is called with the error of the step and returns that of the operation.
	Finish func(ctx context.Context, err error) error
	// NotSent is called in place of Finish with the error for which nothing was sent.
	NotSent func(err error)
}

// Operations are what is queued in a pipeline.
type Operations struct {
	queued []Operation
	err    error // of the first operation that could not be queued
}

// A Pipeline is a type that has Operations embedded.
type Pipeline interface{ all() *Operations }

func (o *Operations) all() *Operations { return o }

// Len returns how many operations are queued.
func Len(o *Operations) int { return len(o.queued) }

// Drain removes and returns all operations. The error is of the first one that could not be
// queued.
func Drain(o *Operations) ([]Operation, error) {
	all, err := o.queued, o.err
	*o = Operations{}
	return all, err
}

// A Future is the result of an operation in a pipeline, once that has been sent.
type Future[T any] struct {
	value T
	err   error
}

var errNotSent = errors.New("aside: the pipeline has not been sent: call Exec first")

// Result returns what the method itself would have returned. A Found stands for two results
// of the method.
func (f *Future[T]) Result() (T, error) { return f.value, f.err }

// A Found is a value that may exist or not: a future has it in place of two results.
type Found[T any] struct {
	Value T
	OK    bool
}

// Add queues an operation. It sets Finish and NotSent. Once the step has been answered,
// result is called with its error and returns the result of the operation.
func Add[T any](
	p Pipeline, o Operation, result func(ctx context.Context, err error) (T, error),
) *Future[T] {
	f := &Future[T]{err: errNotSent}
	o.Finish = func(ctx context.Context, err error) error {
		f.value, f.err = result(ctx, err)
		return f.err
	}
	o.NotSent = func(err error) { f.err = err }
	all := p.all()
	all.queued = append(all.queued, o)
	return f
}

// Failed is the future of an operation that could not be queued.
func Failed[T any](p Pipeline, err error) *Future[T] {
	if all := p.all(); all.err == nil {
		all.err = err
	}
	return &Future[T]{err: err}
}

// Known is the future of an operation for which there is nothing to ask Redis.
func Known[T any](v T) *Future[T] { return &Future[T]{value: v} }
