package collection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
)

// The kinds of a *cache.Error that only collections have.
var (
	ErrWrongType   = store.ErrWrongType
	ErrUnsupported = errors.New("the server is too old")
	ErrSlots       = errors.New("a cluster cannot do this in one step")
)

// A TypeError is the cause of an ErrWrongType: a key holds another Redis type than the
// collection's. Nothing has been changed.
type TypeError struct {
	Key   string      // the Redis key
	Want  codec.Shape // the collection's
	Found string      // as Redis's TYPE prints it
}

// Error names both types.
func (e *TypeError) Error() string {
	return fmt.Sprintf("a %s was found, where a %v is wanted", e.Found, e.Want)
}

// An UnsupportedError is the cause of an ErrUnsupported.
type UnsupportedError struct {
	Command string // that the server does not know
	Needs   string // the servers that do
}

// Error names the command and the servers that have it.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("it has no %s, which needs %s", e.Command, e.Needs)
}

// An ElementsError says which elements of a call could not be encoded, and then nothing was
// written, or which could not be decoded. The errors are by index: in the arguments, in the
// returned slice, in the list or sorted set of an All.
type ElementsError struct {
	Errs map[int]error
}

// Error names the first of them.
func (e *ElementsError) Error() string {
	if len(e.Errs) == 0 {
		return "no element"
	}
	first := e.indexes()[0]
	if len(e.Errs) == 1 {
		return fmt.Sprintf("element %d: %v", first, e.Errs[first])
	}
	return fmt.Sprintf("%d elements, the first of them %d: %v", len(e.Errs), first, e.Errs[first])
}

// Unwrap returns the errors in the order of their indexes.
func (e *ElementsError) Unwrap() []error {
	errs := make([]error, 0, len(e.Errs))
	for _, i := range e.indexes() {
		errs = append(errs, e.Errs[i])
	}
	return errs
}

func (e *ElementsError) indexes() []int {
	list := make([]int, 0, len(e.Errs))
	for i := range e.Errs {
		list = append(list, i)
	}
	slices.Sort(list)
	return list
}

func (e *ElementsError) add(i int, err error) *ElementsError {
	if e == nil {
		e = &ElementsError{make(map[int]error)}
	}
	e.Errs[i] = err
	return e
}

const maxErrorKey = 256

// error is an error of a call.
func (c *core) error(op cache.Op, key string, kind, cause error) error {
	key = key[:min(len(key), maxErrorKey)]
	return &cache.Error{Op: op, Cache: c.name, Key: key, Kind: kind, Err: cause}
}

// undecoded is the error of elements that could not be decoded, nil for none.
func (c *core) undecoded(op cache.Op, key string, e *ElementsError) error {
	if e == nil {
		return nil
	}
	return c.error(op, key, cache.ErrDecode, e)
}

// redisError is the error of a call that Redis failed.
func (c *core) redisError(ctx context.Context, op cache.Op, key string, cause error) error {
	if kind, cause := keyspace.Ended(ctx); kind != nil {
		return c.error(op, key, kind, cause)
	}
	var wrong *store.WrongTypeError
	switch {
	case errors.As(cause, &wrong):
		return c.error(op, wrong.Key, ErrWrongType, &TypeError{wrong.Key, wrong.Want, wrong.Found})
	case errors.Is(cause, store.ErrWrongType):
		return c.error(op, key, ErrWrongType, nil)
	case errors.Is(cause, store.ErrClosed):
		return c.error(op, key, cache.ErrClosed, nil)
	}
	return c.error(op, key, cache.ErrRedis, c.store.Explain(cause))
}
