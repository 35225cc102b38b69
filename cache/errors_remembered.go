package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/internal/protocol"
)

// maxErrorTTL is the longest time for which an error may be remembered: a source that has
// recovered is not to be refused for longer.
const maxErrorTTL = 10 * time.Second

// A RememberedError is the error of a call that began no load, since an earlier one of the same
// process has failed for the key less than Config.ErrorTTL ago. errors.Is and errors.As find
// that load's error.
type RememberedError struct {
	Cache string    // the Name
	Err   error     // of the load, as its own callers got it
	Since time.Time // when the load failed
}

// Error says that the error is remembered, since when, and what it was.
func (e *RememberedError) Error() string {
	return fmt.Sprintf("aside: %s: the load failed at %s, which ErrorTTL remembers: %v",
		e.Cache, e.Since.Format("15:04:05.000"), e.Err)
}

// Unwrap returns the error of the load.
func (e *RememberedError) Unwrap() error { return e.Err }

// Remembered is part of protocol.Reporter. What says nothing of the source is not remembered: that
// a loader was cancelled, or that a cache which it asks was closed, has lost its Redis, has had a
// panic or remembers an error itself, whose time would be prolonged.
func (c *core) Remembered(cause error, since time.Time) error {
	for _, kind := range []error{context.Canceled, ErrClosed, ErrRedis, ErrPanic} {
		if errors.Is(cause, kind) {
			return nil
		}
	}
	if again := (*RememberedError)(nil); errors.As(cause, &again) {
		return nil
	}
	return &RememberedError{Cache: c.name, Err: cause, Since: since}
}

// LookupRemembered is part of protocol.Reporter.
func (c *core) LookupRemembered(ctx context.Context, key string, s protocol.State, outdated bool, took time.Duration, err error) {
	c.reportLookup(ctx, LookupEvent{Key: key, State: State(s), Outdated: outdated, Err: err, Duration: took})
}

// isRemembered reports whether a call has got an error that this cache has remembered.
func (c *core) isRemembered(err error) bool {
	own, _ := err.(*RememberedError) // not errors.As: a loader may return that of another cache
	return own != nil && own.Cache == c.name
}
