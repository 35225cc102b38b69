package collection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/pipeline"
	"github.com/asidecache/aside/internal/store"
)

// An operation is a call of a method, ready to be sent by itself or in a Pipeline.
type operation[T any] struct {
	request *request
	decode  func(*request) (T, error) // returns the result from the answer
}

// empty is an operation without anything to ask Redis.
func empty[T any](c *core, cmd command) operation[T] {
	return operation[T]{request: &request{core: c, command: cmd, empty: true}}
}

// do sends an operation by itself.
func do[T any](ctx context.Context, o operation[T]) (T, error) {
	var none T
	r := o.request
	switch {
	case r.err != nil:
		return none, r.err
	case r.core.closed.Load():
		return none, r.core.error(r.command.op, "", cache.ErrClosed, nil)
	case r.empty:
		return none, nil
	}
	return o.result(ctx, r.core.send(ctx, &r.redis))
}

// send sends a request by itself.
func (c *core) send(ctx context.Context, r *store.Request) error {
	if r.Writes() {
		c.store.Written(r.Keys()...)
		defer c.store.Written(r.Keys()...)
	}
	return c.store.Do(ctx, r, time.Now())
}

// enqueue adds an operation to a pipeline.
func enqueue[T any](p *Pipeline, o operation[T]) *Future[T] {
	r := o.request
	switch {
	case r.err != nil:
		return pipeline.Failed[T](p, r.err)
	case r.empty:
		var none T
		return pipeline.Known(none)
	}
	return pipeline.Add(p, r.core.operation(&r.redis), o.result)
}

// result is what has become of an operation that was sent.
func (o operation[T]) result(ctx context.Context, err error) (T, error) {
	if err != nil {
		var none T
		return none, o.request.redisError(ctx, err)
	}
	v, err := o.decode(o.request)
	o.request.core.release(o.request)
	return v, err
}

// redisError is the error of a request that Redis has failed.
func (r *request) redisError(ctx context.Context, cause error) error {
	if errors.Is(cause, store.ErrUnknownCommand) && r.command.needs != "" {
		return r.error(ErrUnsupported, &UnsupportedError{r.redis.Name(), r.command.needs})
	}
	return r.core.redisError(ctx, r.command.op, r.redis.Key(), store.Sized(cause, r.redis.Size()))
}

// both is a Found as two results.
func both[E any](f Found[E], err error) (E, bool, error) { return f.Value, f.OK, err }

var errAnswer = errors.New("redis sent an answer that is not what the command returns")

// number decodes an answer that is a number; nothing is 0.
func number(r *request) (int, error) {
	f, err := foundNumber(r)
	return f.Value, err
}

// foundNumber decodes an answer of a number or nothing.
func foundNumber(r *request) (f Found[int], err error) {
	return found(r, strconv.Atoi)
}

// foundScore decodes an answer of a score or nothing.
func foundScore(r *request) (f Found[float64], err error) {
	return found(r, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
}

// found decodes an answer of one part or nothing.
func found[T any](r *request, parse func(string) (T, error)) (f Found[T], err error) {
	if len(r.parts()) != 1 {
		return f, r.wrongAnswer()
	}
	if r.noAnswer() {
		return f, nil
	}
	v, err := parse(string(r.parts()[0]))
	if err != nil {
		return f, r.wrongAnswer()
	}
	return Found[T]{Value: v, OK: true}, nil
}

// truth decodes an answer of 1 or 0.
func truth(r *request) (bool, error) {
	n, err := number(r)
	return n == 1, err
}

// discard is the decode of an answer that tells nothing.
func discard(*request) (struct{}, error) { return struct{}{}, nil }
