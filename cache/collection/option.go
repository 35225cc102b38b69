package collection

import (
	"time"

	"github.com/asidecache/aside/internal/keyspace"
)

// An Option changes what the writes of a collection do about TTLs and missing values: see
// With.
type Option struct {
	kind optionKind
	ttl  time.Duration
}

type optionKind uint8

const (
	optionTTL optionKind = iota + 1
	optionRenew
	optionIfCached
)

// TTL makes writes use a TTL of d, or Forever, in place of the collection's own; Jitter
// shortens it as usual. Everything else below a millisecond is an error of each write.
func TTL(d time.Duration) Option { return Option{optionTTL, d} }

// Renew makes each write set the TTL of the value anew, even one that changes no element.
// Without it, a value keeps the TTL that it has.
func Renew() Option { return Option{kind: optionRenew} }

// IfCached makes writes do nothing to a key of which Redis knows no value: they return 0 or
// nothing then. A value that is known to be empty counts as a value. "Does not exist" does
// not: that is removed, because the write says that the source has changed.
func IfCached() Option { return Option{kind: optionIfCached} }

// rules say what the options of a collection ask for.
type rules struct {
	ttl   time.Duration // before the jitter
	renew bool
	known bool
	err   error // of an invalid TTL
}

func (r rules) with(opts []Option) rules {
	for _, o := range opts {
		switch o.kind {
		case optionTTL:
			r.ttl, r.err = o.ttl, keyspace.CheckTTLOption(o.ttl)
		case optionRenew:
			r.renew = true
		case optionIfCached:
			r.known = true
		}
	}
	return r
}
