package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

// A Lease is the permission to load one key for the whole fleet. It stands in the
// control key as a token that is made anew for each acquisition, and permits as
// long as it stands there: what removes it, forbids the load to store.
type Lease struct {
	store *Store
	keys  []any // value, control, and the values that a commit removes
	token any   // a string
	ttl   time.Duration

	// Of the value when the lease was granted, as in acquire.lua.
	expiry, left, digest string

	marker       string // what the lease has replaced in the control key
	markerExpiry int64  // by the server's clock, in milliseconds
	markerEnds   time.Time

	previous string // a key that has to be there still, see Upgrades
}

// Key returns the value key.
func (l *Lease) Key() string { return l.keys[0].(string) }

// missing is the expiry and the TTL of a value that is not there, as in acquire.lua.
const missing = "-2"

// HadValue reports whether the key held something when the lease was granted.
func (l *Lease) HadValue() bool { return l.expiry != missing }

// Beside returns what the lease was granted beside: Present for a value, empty or not, or
// Absent, with the TTL that this still had; or Missing for nothing.
func (l *Lease) Beside() (State, time.Duration) {
	if l.HadValue() {
		left, err := strconv.ParseInt(l.left, 10, 64)
		if err != nil {
			left = noKey
		}
		return Present, remaining(left)
	}
	switch left := max(time.Until(l.markerEnds), 0); {
	case l.marker == markerAbsent:
		return Absent, left
	case l.store.isEmpty(l.marker):
		return Present, left
	}
	return Missing, 0
}

// Acquired is the answer to Acquire.
type Acquired struct {
	Status Status
	Lease  *Lease        // when Granted, or with an error that leaves that open
	Wait   time.Duration // when Busy: the TTL of the other lease
	TTL    time.Duration // when HasEmpty, HasAbsence, or HasValue with Value: how long that still stands
	Value  []byte        // when HasValue: a string that is short; nil: it is to be read
}

// A Status says whether a load may begin, or what makes it needless.
type Status uint8

const (
	Granted    Status = iota + 1 // the caller has the lease
	HasValue                     // the key holds a value: read it
	HasEmpty                     // the key's value is there and empty
	HasAbsence                   // the source is known to have no value
	Busy                         // another has the lease
	Full                         // Redis has no memory for a lease, nor for a value
)

var statuses = map[string]Status{
	"granted": Granted, "present": HasValue, "empty": HasEmpty, "absent": HasAbsence, "busy": Busy, "full": Full,
}

// Acquire asks for the lease of a key, for a TTL; with replace, also if the key has a
// value, which stays until the load's own is stored. One round trip. A lease that comes
// with an error may have been granted: release it.
//
// go-redis must not repeat the command: a copy that arrives late, after a delete, would
// grant the lease anew. An attempt of our own has a token of its own, and takes over the
// lease of one whose answer was lost.
func (s *Store) Acquire(
	ctx context.Context, deadline time.Time, key string, ttl time.Duration, replace bool,
) (c Acquired, err error) {
	return s.acquire(ctx, deadline, Ask{Key: key, Replace: replace}, ttl)
}

// maxShortString is the length of a string up to which the script of a lease returns it, in bytes.
// A longer one is read by itself: a script copies what it returns.
const maxShortString = 16 << 10

var shortString, noString any = maxShortString, -1 // in the form in which commands take them

func (s *Store) acquire(
	ctx context.Context, deadline time.Time, ask Ask, ttl time.Duration,
) (c Acquired, err error) {
	ctx, cancel := s.WithDeadline(ctx, deadline)
	defer cancel()
	a := s.acquisition(ask, ttl)
	if s.shape == codec.ShapeString {
		a.longest = shortString
	}
	for {
		var one struct { // in one allocation
			lease Lease
			call  client.Call
			args  [acquireArgs]any
		}
		one.call = a.attempt(&one.lease, rediskey.NewToken(), one.args[:0])
		err := s.Exec(ctx, &one.call)
		if err == nil {
			c, err = acquiredOf(one.call.Answer, &one.lease)
		}
		if err == nil || a.isOver(err) || ctx.Err() != nil || !time.Now().Before(deadline) {
			return a.end(c, err)
		}
		s.CloseDead(ctx, a.made-1, err)
	}
}

// An Ask asks for the lease of a key, with Replace also if that has a value. AcquireAll
// answers it as Acquire does. With AsWrite what the lease stores removes the values of the
// neighbouring versions, as a write does.
type Ask struct {
	Key     string
	Replace bool
	AsWrite bool

	Answer Acquired
	Err    error
}

// An acquisition is the attempts to obtain one lease.
type acquisition struct {
	store   *Store
	keys    []any
	replace bool
	ttl     time.Duration
	tokens  [1 + maxLost]any // of the attempts
	made    int              // how many attempts
	longest any              // string that is returned
}

func (s *Store) acquisition(ask Ask, ttl time.Duration) acquisition {
	a := acquisition{store: s, keys: s.loadKeys(ask.Key), replace: ask.Replace, ttl: ttl, longest: noString}
	if ask.AsWrite {
		a.keys = s.writeKeys(ask.Key)
	}
	return a
}

// acquireArgs is how many arguments the script of a first attempt has.
const acquireArgs = 6

// attempt returns what is sent to obtain l, with another token each time. Its arguments are put
// into args, if there is room.
func (a *acquisition) attempt(l *Lease, token string, args []any) client.Call {
	*l = Lease{store: a.store, keys: a.keys, token: token, ttl: a.ttl, markerEnds: time.Now()}
	s := a.store
	args = append(slices.Grow(args, acquireArgs+a.made),
		l.token, a.ttl.Milliseconds(), s.kind.name, a.replace, s.markerEmpty(), a.longest)
	args = append(args, a.tokens[:a.made]...)
	a.tokens[a.made] = l.token
	a.made++
	return client.Call{Script: acquire, Retry: client.NotRetryable, Keys: a.keys, Args: args}
}

// isOver reports whether no further attempt is made after err.
func (a *acquisition) isOver(err error) bool { return client.IsRefused(err) || a.made == len(a.tokens) }

// end returns what has come of the last attempt. An error may leave a lease behind.
func (a *acquisition) end(c Acquired, err error) (Acquired, error) {
	if err == nil {
		return c, nil
	}
	unsure := a.tokens[:a.made]
	if client.IsRefused(err) {
		unsure = unsure[:len(unsure)-1]
	}
	if len(unsure) == 0 {
		return Acquired{}, err
	}
	return Acquired{Lease: &Lease{store: a.store, keys: a.keys, token: unsure[len(unsure)-1], ttl: a.ttl}}, err
}

// maxLost is how often the lease is asked for once more, when an answer is lost or the
// client does not wait for it any longer.
const maxLost = 2

var errClaim = errors.New("redis sent an answer that is not what the lease's script returns")

// acquiredOf reads the script's answer to a request for l.
func acquiredOf(answer any, l *Lease) (c Acquired, err error) {
	if answer == int64(1) {
		l.expiry, l.left = missing, missing
		return Acquired{Status: Granted, Lease: l}, nil
	}
	parts, ok := answer.([]any)
	if !ok {
		return c, errClaim
	}
	var status string
	var left int64
	if err := scan(parts[:min(len(parts), 1)], &status); err != nil {
		return c, err
	}
	var known bool
	if c.Status, known = statuses[status]; !known {
		return c, errClaim
	}
	switch parts = parts[1:]; c.Status {
	case Busy:
		err = scan(parts, &left)
		c.Wait = time.Duration(left) * time.Millisecond
	case HasValue:
		if len(parts) > 0 {
			var value string
			err = scan(parts, &left, &value)
			c.Value, c.TTL = []byte(value), remaining(left)
		}
	case HasEmpty, HasAbsence:
		err = scan(parts, &left)
		c.TTL = remaining(left)
	case Granted:
		err = scan(parts, &l.expiry, &l.left, &l.digest, &l.marker, &l.markerExpiry, &left)
		l.markerEnds = l.markerEnds.Add(time.Duration(left) * time.Millisecond) // or a little later
		c.Lease = l
	}
	return c, err
}

// scan takes apart what a script returns.
func scan(parts []any, into ...any) error {
	if len(parts) != len(into) {
		return errClaim
	}
	for i, p := range parts {
		var ok bool
		switch to := into[i].(type) {
		case *string:
			*to, ok = p.(string)
		case *int64:
			*to, ok = p.(int64)
		}
		if !ok {
			return errClaim
		}
	}
	return nil
}

// Renew gives the lease its TTL anew. It reports false when the lease has ended.
func (l *Lease) Renew(ctx context.Context, deadline time.Time) (held bool, err error) {
	return l.store.EvalBool(ctx, deadline, l.renewal())
}

func (l *Lease) renewal() client.Call {
	return client.Call{Script: renew, Retry: client.Retryable, Keys: l.keys[1:2], Args: []any{l.token, l.ttl.Milliseconds()}}
}

// Release gives the lease back, and what it has replaced, and reports whether it was
// still there. Only a lease whose load has stored nothing needs it.
func (l *Lease) Release(ctx context.Context, deadline time.Time) (held bool, err error) {
	return l.store.EvalBool(ctx, deadline, l.giveBack())
}

func (l *Lease) giveBack() client.Call {
	args := []any{l.token}
	if l.marker != "" && time.Until(l.markerEnds) <= l.ttl { // else the lease carries it
		args = append(args, l.marker, l.markerExpiry)
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
	return append([]any{l.token, l.ttl.Milliseconds(), l.expiry, l.left, l.digest}, more...)
}
