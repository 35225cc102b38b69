// Package pipeline is what a cache and a collection have to say to a pipeline: which
// operations are to be sent together, and what becomes of their answers.
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
	Client redis.UniversalClient // as its family was given it
	Store  *store.Store
	Step   store.Step

	Closed func() bool                               // whether its family has been closed
	Fail   func(key string, kind, cause error) error // an error of the pipeline as a whole

	// Begin is called before anything is sent, and what it returns when all has been
	// answered, in every case. nil: there is nothing to see to.
	Begin func(ctx context.Context, now time.Time) (end func(), err error)
	// Settle is called with the error of the step and returns that of the operation.
	Settle func(ctx context.Context, err error) error
	// Refuse is called in place of Settle with the error for which nothing was sent.
	Refuse func(err error)
}

// A Queue holds the operations of a pipeline.
type Queue struct {
	operations []Operation
	err        error // of the first operation that could not be queued
}

// A Pipeline is a type that has a Queue embedded.
type Pipeline interface{ queue() *Queue }

func (q *Queue) queue() *Queue { return q }

// Len returns how many operations are queued.
func Len(q *Queue) int { return len(q.operations) }

// Take empties a queue. The error is of the first operation that could not be queued.
func Take(q *Queue) ([]Operation, error) {
	all, err := q.operations, q.err
	*q = Queue{}
	return all, err
}

// A Future is the result of an operation in a pipeline, once that has been sent.
type Future[T any] struct {
	value T
	err   error
}

var errNotSent = errors.New("aside: the pipeline has not been sent: call Exec first")

// Result returns what the method itself would have returned. What is Found has two
// results there.
func (f *Future[T]) Result() (T, error) { return f.value, f.err }

// A Found is a value that may be there or not: what futures have in place of two results.
type Found[T any] struct {
	Value T
	OK    bool
}

// Add queues an operation, whose result take returns once its step has been answered.
// Settle and Refuse are set here.
func Add[T any](p Pipeline, o Operation, take func(ctx context.Context, err error) (T, error)) *Future[T] {
	f := &Future[T]{err: errNotSent}
	o.Settle = func(ctx context.Context, err error) error {
		f.value, f.err = take(ctx, err)
		return f.err
	}
	o.Refuse = func(err error) { f.err = err }
	q := p.queue()
	q.operations = append(q.operations, o)
	return f
}

// Failed is the future of an operation that could not be queued.
func Failed[T any](p Pipeline, err error) *Future[T] {
	if q := p.queue(); q.err == nil {
		q.err = err
	}
	return &Future[T]{err: err}
}

// Known is the future of an operation for which there is nothing to ask Redis.
func Known[T any](v T) *Future[T] { return &Future[T]{value: v} }
