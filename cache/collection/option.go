package collection

import (
	"time"

	"github.com/asidecache/aside/internal/keyspace"
)

// An Option changes what the writes of a collection do beside their work: see With.
type Option struct {
	sort optionSort
	ttl  time.Duration
}

type optionSort uint8

const (
	optionTTL optionSort = iota + 1
	optionRenew
	optionIfCached
)

// TTL makes writes give a TTL of d, or Forever, in place of the collection's own;
// Jitter shortens it as usual. Everything else below a millisecond is an error of each
// write.
func TTL(d time.Duration) Option { return Option{optionTTL, d} }

// Renew makes each write give the value its TTL anew, even one that changes no element.
// Without it, a value keeps the life that it has.
func Renew() Option { return Option{sort: optionRenew} }

// IfCached makes writes leave a key alone of which Redis knows no value: they return 0
// or nothing then. A value that is known to be empty is one, and "does not exist" is
// none: it is forgotten, as the write says that the source has changed.
func IfCached() Option { return Option{sort: optionIfCached} }

// rules are what the options of a collection come to.
type rules struct {
	ttl   time.Duration // before the jitter
	renew bool
	known bool
	err   error // of a TTL that cannot be
}

func (r rules) with(opts []Option) rules {
	for _, o := range opts {
		switch o.sort {
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
