package store

import (
	"context"
	"strconv"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// A Lease is the permission to load one key for the whole fleet. It stands in the control key as a
// token that is made anew for each acquisition, of one key or of many, and permits as long as it
// stands there: what removes it, forbids the load to store.
type Lease struct {
	*claim
	keys []any // value, control, and the values that a commit removes

	before   *before // what there was when the lease was granted; nil: nothing
	previous string  // a key that has to be there still, see Upgrades
}

// A before is what Redis held of a key when a lease was granted, as acquire.lua tells it.
type before struct {
	expiry, left, digest string // of the value

	marker       string // what the lease has replaced in the control key
	markerExpiry int64  // by the server's clock, in milliseconds
	markerEnds   time.Time
}

// missing is the expiry and the TTL of a value that is not there, as in acquire.lua.
const missing = "-2"

// nothing is what there was where that was neither a value nor a marker.
var nothing = before{expiry: missing, left: missing}

// had returns what there was when the lease was granted.
func (l *Lease) had() *before {
	if l.before == nil {
		return &nothing
	}
	return l.before
}

// Key returns the value key.
func (l *Lease) Key() string { return l.keys[0].(string) }

// HadValue reports whether the key held something when the lease was granted.
func (l *Lease) HadValue() bool { return l.had().expiry != missing }

// Beside returns what the lease was granted beside: Present for a value, empty or not, or
// Absent, with the TTL that this still had; or Missing for nothing.
func (l *Lease) Beside() (State, time.Duration) {
	had := l.had()
	if l.HadValue() {
		left, err := strconv.ParseInt(had.left, 10, 64)
		if err != nil {
			left = noKey
		}
		return Present, remaining(left)
	}
	switch left := max(time.Until(had.markerEnds), 0); {
	case had.marker == markerAbsent:
		return Absent, left
	case l.store.isEmpty(had.marker):
		return Present, left
	}
	return Missing, 0
}

// Renew gives the lease its TTL anew. It reports false when the lease has ended.
func (l *Lease) Renew(ctx context.Context, deadline time.Time) (held bool, err error) {
	return l.store.EvalBool(ctx, deadline, l.renewal())
}

func (l *Lease) renewal() client.Call {
	return client.Call{Script: renew, Retry: client.Retryable, Keys: l.keys[1:2], Args: []any{l.token, l.ms}}
}

// Release gives the lease back, and what it has replaced, and reports whether it was
// still there. Only a lease whose load has stored nothing needs it.
func (l *Lease) Release(ctx context.Context, deadline time.Time) (held bool, err error) {
	return l.store.EvalBool(ctx, deadline, l.giveBack())
}

func (l *Lease) giveBack() client.Call {
	args := []any{l.token}
	if had := l.had(); had.marker != "" && time.Until(had.markerEnds) <= l.ttl { // else the lease carries it
		args = append(args, had.marker, had.markerExpiry)
	}
	return client.Call{Script: release, Retry: client.Retryable, Keys: l.keys[1:2], Args: args}
}

// Store replaces what the key holds by the value of e, for ttl or Forever, and ends
// the lease, in one step; if the lease still stands and the key holds what it held
// when the lease was granted. Otherwise it reports false.
func (l *Lease) Store(
	ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration,
) (stored bool, err error) {
	if _, err := e.Size(); err != nil {
		return false, err
	}
	if small, ok := l.filling(e, ttl); ok {
		return l.store.EvalBool(ctx, deadline, small)
	}
	return l.storeStaged(ctx, deadline, e, ttl)
}

// filling is the call that stores a value, unless that has to be staged.
func (l *Lease) filling(e *Entry, ttl time.Duration) (small client.Call, ok bool) {
	w := &e.Wire
	switch {
	case w.Len() == 0:
		return l.markerCall(l.store.markerEmpty(), markerTTL(ttl).Milliseconds()), true
	case !isSmall(e):
		return small, false
	}
	ms, value := l.store.adding(e, ttl)
	if l.store.shape == codec.ShapeString && !l.HadValue() && l.previous == "" {
		value[0] = l.token // the script knows the command
		return client.Call{Script: add, Retry: client.Retryable, Keys: l.keys, Args: value}, true
	}
	return client.Call{Script: l.either(fill, fillUpgrade), Retry: client.Retryable, Keys: l.guardedKeys(), Args: append(l.guarded(ms, l.store.markerEmpty()), value...)}, true
}

// isSmall reports whether a value goes through a Script: there each byte costs several
// times what a plain command takes.
func isSmall(e *Entry) bool { return e.bytes() <= maxFill && e.Wire.Len() <= maxFillParts }

const (
	maxFill      = 2 << 10 // bytes
	maxFillParts = 256
)

// StoreAbsent removes the value and says for ttl that the source has none, under
// the conditions of Store.
func (l *Lease) StoreAbsent(
	ctx context.Context, deadline time.Time, ttl time.Duration,
) (stored bool, err error) {
	return l.store.EvalBool(ctx, deadline, l.markerCall(markerAbsent, markerTTL(ttl).Milliseconds()))
}

// StoreNothing removes the value, under the conditions of Store.
func (l *Lease) StoreNothing(ctx context.Context, deadline time.Time) (done bool, err error) {
	return l.store.EvalBool(ctx, deadline, l.markerCall())
}

// markerCall is the call that stores no value: a marker with its TTL, or nothing for none.
func (l *Lease) markerCall(args ...any) client.Call {
	return client.Call{Script: l.either(marker, markerUpgrade), Retry: client.Retryable, Keys: l.guardedKeys(), Args: l.guarded(args...)}
}

// guarded returns the arguments of guard.lua, and more.
func (l *Lease) guarded(more ...any) []any {
	had := l.had()
	return append([]any{l.token, l.ms, had.expiry, had.left, had.digest}, more...)
}
