package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
	"github.com/asidecache/aside/loader"
)

// ErrNotFound is loader.ErrNotFound: the source has no value for the key.
var ErrNotFound = loader.ErrNotFound

// The kinds of an *Error.
var (
	ErrClosed = errors.New("the cache is closed")
	ErrRedis  = errors.New("redis failed")
	ErrEncode = errors.New("the key or value cannot be encoded")
	ErrDecode = errors.New("the entry cannot be decoded")
	ErrPanic  = errors.New("the loader panicked")
	// ErrStale is told to Observer.Error alone: a call with NoStale was answered all the same.
	ErrStale = errors.New("the load failed, and a stale value was returned")
)

// An Op names the method of Cache that an error or event belongs to.
type Op string

// The operations.
const (
	OpGetOrSet     Op = "GetOrSet"
	OpGetOrSetMany Op = "GetOrSetMany"
	OpGet          Op = "Get"
	OpGetMany      Op = "GetMany"
	OpGetFields    Op = "GetFields"
	OpEntry        Op = "Entry"
	OpSet          Op = "Set"
	OpSetMany      Op = "SetMany"
	OpSetIfAbsent  Op = "SetIfAbsent"
	OpSetAbsent    Op = "SetAbsent"
	OpDelete       Op = "Delete"
	OpTouch        Op = "Touch"
	OpRefresh      Op = "Refresh"
	OpCheck        Op = "Check"
	OpShutdown     Op = "Shutdown"
	OpExec         Op = "Exec" // of a collection.Pipeline
)

// An Error is a failure of the cache itself: it says what was asked, of which
// cache and which Redis key. errors.Is and errors.As find its kind, one of the
// variables above or the error of a context, and its cause.
type Error struct {
	Op    Op
	Cache string
	Key   string // the Redis key, cut at 256 bytes; empty when it could not be made
	Kind  error  // nil for a call that asks for the impossible
	Err   error  // the cause, nil when the kind says all
}

// Error returns the whole story in one line; that of a panic goes on with its
// stack.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "aside: %s %s", e.Op, e.Cache)
	if e.Key != "" {
		fmt.Fprintf(&b, " %q", e.Key)
	}
	if e.Kind != nil {
		fmt.Fprintf(&b, ": %v", e.Kind)
	}
	if e.Err != nil && e.Err != e.Kind {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if panicked := (*flight.PanicError)(nil); errors.As(e.Err, &panicked) {
		fmt.Fprintf(&b, "\n\n%s", panicked.Stack)
	}
	return b.String()
}

// Unwrap returns kind and cause.
func (e *Error) Unwrap() []error {
	errs := make([]error, 0, 2)
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// A BatchError tells which keys of a call failed, and why: each error is an
// *Error or a loader's own. All other keys succeeded.
type BatchError[K comparable] = loader.BatchError[K]

const maxErrorKey = 256

func (c *core) error(op Op, key string, kind, cause error) *Error {
	if len(key) > maxErrorKey {
		key = key[:maxErrorKey]
	}
	return &Error{Op: op, Cache: c.name, Key: key, Kind: kind, Err: cause}
}

// contextError is the error of a call whose context has ended, nil if it has not.
func (c *core) contextError(ctx context.Context, op Op, key string) error {
	kind, cause := keyspace.Ended(ctx)
	if kind == nil {
		return nil
	}
	return c.error(op, key, kind, cause)
}

// leftError is contextError for a caller that has left a flight, which waited for something.
func (c *core) leftError(ctx context.Context, op Op, key string, left *flight.LeftError) error {
	kind, cause := keyspace.Ended(ctx)
	if cause == kind {
		return c.error(op, key, kind, left.Waits)
	}
	return c.error(op, key, kind, fmt.Errorf("%w: %w", cause, left.Waits))
}

// redisError is the error of a call that Redis failed: the context's, if that has
// ended, else one of kind ErrRedis, which the observer hears of, if not too often.
func (c *core) redisError(ctx context.Context, op Op, key string, cause error) error {
	if err := c.contextError(ctx, op, key); err != nil {
		return err
	}
	if errors.Is(cause, store.ErrClosed) { // Close has overtaken the call
		return c.error(op, key, ErrClosed, nil)
	}
	err := c.error(op, key, ErrRedis, c.store.Explain(cause))
	c.stats.redisErrors.Add(1)
	o := outcomeOf(cause)
	lasts := o.lasts() || cause == store.ErrUndelivered
	if store.IsOpen(cause) {
		c.stats.notAsked.Add(1)
		lasts = true
	}
	if c.observer.hears().Error != nil && (!lasts || c.reminders.due(o)) {
		c.observer.survived(ctx, err)
	}
	return err
}

var errForeignKey = errors.New("it is no key of this cache, whose keys begin with its Name")

var errReentrant = errors.New("the loader asks its own cache for the key that it is loading, and would wait for itself: ask the source instead")

// flightError puts an error of a flight into the words of the cache. A loader's
// own error comes back as it was.
func (c *core) flightError(ctx context.Context, op Op, key string, outcome flight.Outcome, err error) error {
	switch {
	case c.isRemembered(err):
		c.stats.remembered.Add(1)
	case outcome == flight.Shared:
		c.stats.shared.Add(1)
	}
	panicked, _ := err.(*flight.PanicError) // not errors.As: a loader may return that of another cache
	left, _ := err.(*flight.LeftError)
	switch {
	case err == flight.ErrClosed:
		return c.error(op, key, ErrClosed, nil)
	case err == flight.ErrReentrant:
		return c.error(op, key, nil, errReentrant)
	case panicked != nil:
		return c.error(op, key, ErrPanic, panicked)
	case left != nil:
		return c.leftError(ctx, op, key, left)
	case err == ctx.Err():
		return c.contextError(ctx, op, key)
	}
	return err
}
