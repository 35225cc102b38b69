package collection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
)

// An operation is a call of a method, ready to be sent by itself or in a Pipeline.
type operation[T any] struct {
	core    *core
	op      cache.Op
	request *store.Request // nil: there is nothing to ask Redis
	needs   string         // the servers that know the command, if not all do
	take    func(r *store.Request) (T, error)
	err     error // that came before Redis could be asked
}

// do sends an operation by itself.
func do[T any](ctx context.Context, o operation[T]) (T, error) {
	var none T
	switch {
	case o.err != nil:
		return none, o.err
	case o.core.closed.Load():
		return none, o.core.fail(o.op, "", cache.ErrClosed, nil)
	case o.request == nil:
		return none, nil
	}
	if err := o.core.store.Do(ctx, o.request, time.Now()); err != nil {
		return none, o.failed(ctx, err)
	}
	v, err := o.take(o.request)
	o.core.release(o.request)
	return v, err
}

// failed is the error of an operation that Redis has failed.
func (o *operation[T]) failed(ctx context.Context, cause error) error {
	key := o.request.Key()
	if errors.Is(cause, store.ErrUnknownCommand) && o.needs != "" {
		return o.core.fail(o.op, key, ErrUnsupported, &UnsupportedError{o.request.Name(), o.needs})
	}
	return o.core.redisError(ctx, o.op, key, store.Sized(cause, o.request.Size()))
}

// impossible is an operation that cannot be sent.
func impossible[T any](err error) operation[T] { return operation[T]{err: err} }

var errAnswer = errors.New("redis sent an answer that is not what the command returns")

// answer makes a function that reads answers one that says whose they are.
func answer[T any](c *core, op cache.Op, take func(parts [][]byte) (T, error)) func(r *store.Request) (T, error) {
	return func(r *store.Request) (T, error) {
		v, err := take(r.Parts)
		if err != nil {
			var none T
			return none, c.fail(op, r.Key(), cache.ErrRedis, err)
		}
		return v, nil
	}
}

// number reads an answer that is a number; nothing is 0.
func number(parts [][]byte) (int, error) {
	if len(parts) != 1 {
		return 0, errAnswer
	}
	if parts[0] == nil {
		return 0, nil
	}
	n, err := strconv.Atoi(string(parts[0]))
	if err != nil {
		return 0, errAnswer
	}
	return n, nil
}

// truth reads an answer of 1 or 0.
func truth(parts [][]byte) (bool, error) {
	n, err := number(parts)
	return n == 1, err
}

// nothing reads an answer that tells nothing.
func nothing([][]byte) (struct{}, error) { return struct{}{}, nil }

// elements is a collection of elements, whatever their order.
type elements[K comparable, E any] struct {
	keyed[K]
	value codec.Value[E]
}

// append adds elements as arguments. All are tried, so that the error tells of each that
// cannot be encoded.
func (c *elements[K, E]) append(op cache.Op, r *store.Request, elems ...E) error {
	var failed *ElementsError
	for i := range elems {
		if err := c.appendOne(r, &elems[i]); err != nil {
			failed = failed.add(i, err)
		}
	}
	if failed != nil {
		return c.core.fail(op, r.Key(), cache.ErrEncode, failed)
	}
	return nil
}

// appendOne contains what the codec panics with.
func (c *elements[K, E]) appendOne(r *store.Request, e *E) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = keyspace.CodecPanic(v)
		}
	}()
	b, err := c.value.AppendValue(r.Buffer(), *e)
	if err != nil {
		return err
	}
	return r.Take(b)
}

// parse decodes one element. Redis is not trusted: a codec that panics over its bytes
// must not take the process along.
func (c *elements[K, E]) parse(src []byte, e *E) (err error) {
	defer func() {
		if v := recover(); v != nil {
			var none E
			*e, err = none, keyspace.CodecPanic(v)
		}
	}()
	if err = c.value.ParseValue(src, e); err != nil {
		var none E
		*e = none
	}
	return err
}

// several decodes an answer of elements; one that is nothing is no element.
func (c *elements[K, E]) several(op cache.Op) func(r *store.Request) ([]E, error) {
	return func(r *store.Request) ([]E, error) {
		if len(r.Parts) == 1 && r.Parts[0] == nil {
			return nil, nil
		}
		elems, failed := c.parseAll(r.Parts, 0)
		return elems, c.core.broken(op, r.Key(), failed)
	}
}

// parseAll decodes elements, whose indexes in an error begin with first.
func (c *elements[K, E]) parseAll(parts [][]byte, first int) (elems []E, failed *ElementsError) {
	if len(parts) == 0 {
		return nil, nil
	}
	elems = make([]E, len(parts))
	for i, part := range parts {
		if err := c.parse(part, &elems[i]); err != nil {
			failed = failed.add(first+i, err)
		}
	}
	return elems, failed
}

// both is a Found as two results.
func both[E any](f Found[E], err error) (E, bool, error) { return f.Value, f.OK, err }

// maybe decodes an answer of one element or nothing.
func (c *elements[K, E]) maybe(op cache.Op) func(r *store.Request) (Found[E], error) {
	return func(r *store.Request) (f Found[E], err error) {
		if len(r.Parts) != 1 {
			return f, c.core.fail(op, r.Key(), cache.ErrRedis, errAnswer)
		}
		if r.Parts[0] == nil {
			return f, nil
		}
		if err := c.parse(r.Parts[0], &f.Value); err != nil {
			return f, c.core.fail(op, r.Key(), cache.ErrDecode, err)
		}
		f.OK = true
		return f, nil
	}
}

// take begins a write that removes n elements and returns them.
func (c *elements[K, E]) take(op cache.Op, command string, key K, n int) (*store.Request, error) {
	r, err := c.write(op, key)
	if err == nil && n < 0 {
		err = c.core.fail(op, r.Key(), nil, errCount)
	}
	if err != nil || n == 0 {
		return nil, err
	}
	return r.Command(command, 0, store.Whole).Arg(n), nil
}

// count is an operation that counts the elements.
func (k keyed[K]) count(command string, key K) operation[int] {
	const op = "Len"
	r, err := k.read(op, command, key)
	return operation[int]{core: k.core, op: op, request: r, err: err, take: answer(k.core, op, number)}
}
