package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

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
	longest := noString
	if s.shape == codec.ShapeString {
		longest = shortString
	}
	a := acquisition{terms: s.terms(ttl)}
	keys := s.appendKeys(make([]any, 0, 2), &ask)
	for {
		var one struct { // in one allocation
			claim claim
			lease Lease
			call  client.Call
			args  [acquireArgs]any
		}
		a.begin(&one.claim)
		one.lease = Lease{claim: a.claim, keys: keys}
		one.call = one.lease.request(a.appendArgs(one.args[:0], ask.Replace, longest))
		began := time.Now()
		err := s.Exec(ctx, &one.call)
		if err == nil {
			c, err = acquiredOf(one.call.Answer, &one.lease, began)
		}
		if err == nil || a.isOver(err) || ctx.Err() != nil || !time.Now().Before(deadline) {
			return a.end(keys, c, err)
		}
		s.CloseDead(ctx, len(a.lost), err)
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

// terms are what requests for leases have in common, most of it in the form in which commands take
// it.
type terms struct {
	store            *Store
	ttl              time.Duration
	ms, kind, marker any // see acquire.lua
}

// terms returns those of leases for a TTL, which almost always is the one of the lease before.
func (s *Store) terms(ttl time.Duration) *terms {
	of := s.leaseTerms.Load()
	if of == nil || of.ttl != ttl {
		of = &terms{s, ttl, ttl.Milliseconds(), s.kind.name, s.markerEmpty()}
		s.leaseTerms.Store(of)
	}
	return of
}

// appendKeys appends the keys of a lease to those of others.
func (s *Store) appendKeys(room []any, ask *Ask) []any {
	if ask.AsWrite {
		return s.family.AppendKeys(room, ask.Key)
	}
	return append(room, ask.Key, s.family.Control(ask.Key))
}

// A claim is what leases have in common that one attempt asks for.
type claim struct {
	*terms
	token any // a string
}

// An acquisition is the attempts to obtain leases that are asked for together.
type acquisition struct {
	*terms
	claim *claim // of the last attempt; nil: there was none
	lost  []any  // tokens of the attempts before, whose answers were lost
}

// begin begins an attempt, which has a token of its own.
func (a *acquisition) begin(c *claim) {
	if a.claim != nil {
		a.lost = append(a.lost, a.claim.token)
	}
	*c = claim{a.terms, rediskey.NewToken()}
	a.claim = c
}

// acquireArgs is how many arguments the script of a first attempt has.
const acquireArgs = 6

// appendArgs appends the arguments of an attempt; longest is the length of a string up to which it
// is read.
func (a *acquisition) appendArgs(args []any, replace bool, longest any) []any {
	args = append(slices.Grow(args, acquireArgs+len(a.lost)),
		a.claim.token, a.ms, a.kind, replace, a.marker, longest)
	return append(args, a.lost...)
}

// request asks for the lease.
func (l *Lease) request(args []any) client.Call {
	return client.Call{Script: acquire, Retry: client.NotRetryable, Keys: l.keys, Args: args}
}

// isOver reports whether no further attempt is made after err.
func (a *acquisition) isOver(err error) bool { return client.IsRefused(err) || len(a.lost) == maxLost }

// end returns what has come of the last attempt for the lease of some keys. An error may leave a
// lease behind.
func (a *acquisition) end(keys []any, c Acquired, err error) (Acquired, error) {
	if err == nil {
		return c, nil
	}
	unsure := a.claim
	if client.IsRefused(err) {
		if len(a.lost) == 0 {
			return Acquired{}, err
		}
		unsure = &claim{a.terms, a.lost[len(a.lost)-1]}
	}
	return Acquired{Lease: &Lease{claim: unsure, keys: keys}}, err
}

// maxLost is how often the lease is asked for once more, when an answer is lost or the
// client does not wait for it any longer.
const maxLost = 2

var errClaim = errors.New("redis sent an answer that is not what the lease's script returns")

// acquiredOf reads the script's answer to a request for l, which began at a time.
func acquiredOf(answer any, l *Lease, began time.Time) (c Acquired, err error) {
	if answer == int64(1) {
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
		had := new(before)
		err = scan(parts, &had.expiry, &had.left, &had.digest, &had.marker, &had.markerExpiry, &left)
		if err == nil { // else another attempt may follow
			had.markerEnds = began.Add(time.Duration(left) * time.Millisecond) // or a little later
			l.before, c.Lease = had, l
		}
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
