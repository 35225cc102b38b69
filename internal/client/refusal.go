package client

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Refusal is something that a server does not do for a client, as an ACL or the server's kind
// forbids it. It may be permitted again: so it is asked for now and then.
type Refusal struct {
	cause atomic.Pointer[error] // nil: it is not refused
	next  atomic.Int64          // when it is asked for again
}

// refusalInterval is how often what was refused is asked for again.
const refusalInterval = 10 * time.Second

// Note notes a refusal.
func (r *Refusal) Note(cause error) {
	cause = Redact(cause)
	r.next.Store(time.Now().Add(refusalInterval).UnixNano())
	r.cause.Store(&cause)
}

// Clear notes that there is no refusal.
func (r *Refusal) Clear() {
	if r.cause.Load() != nil {
		r.cause.Store(nil)
	}
}

// Cause is why the last attempt was refused, nil for none that was.
func (r *Refusal) Cause() error {
	if cause := r.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// Holds reports whether to go without, rather than be refused again. It is false for one call
// an interval, which is to ask.
func (r *Refusal) Holds() bool {
	if r.cause.Load() == nil {
		return false
	}
	now, next := time.Now(), r.next.Load()
	return now.UnixNano() < next || !r.next.CompareAndSwap(next, now.Add(refusalInterval).UnixNano())
}

// Scripts is whether servers refuse all scripts.
func (x *executor) Scripts() *Refusal { return &x.scripts }

// RefusesScripts reports whether a server runs no script for the client, whatever that does.
func RefusesScripts(err error) bool {
	if err == nil || strings.Contains(err.Error(), "called from") { // a command in a script
		return false
	}
	return IsNoScripts(err) || redis.HasErrorPrefix(err, "NOPERM") && strings.Contains(err.Error(), "'eval")
}

// RefusesKey reports whether the client may not use a key that a command has named.
func RefusesKey(err error) bool {
	if err == nil || !redis.HasErrorPrefix(err, "NOPERM") {
		return false
	}
	_, object, found := strings.Cut(err.Error(), " to access ")
	return found && strings.Contains(object, "key")
}

// refusesHash reports whether a server does not run scripts by their hash.
func refusesHash(err error) bool {
	return IsForbidden(err) && strings.Contains(strings.ToLower(err.Error()), "evalsha")
}

// skips reports whether an attempt to run scripts, by its number in evalModes, is left out, as
// servers run them inline alone.
func (x *executor) skips(try int) bool { return try < len(evalModes)-1 && x.hashes.Holds() }

// triesOther reports whether a script is to be sent in another mode, after an attempt.
func (x *executor) triesOther(try int, err error) bool {
	switch {
	case err == nil:
		if try < len(evalModes)-1 {
			x.hashes.Clear()
		}
		return false
	case isUnknownScript(err):
		return true
	case try == len(evalModes)-1:
		return false
	case refusesHash(err):
		x.hashes.Note(err)
		return true
	}
	return false
}
