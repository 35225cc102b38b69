package cache

import (
	"time"

	"github.com/asidecache/aside/internal/keyspace"
)

// An Option changes one call. Of options of one kind the last one counts.
type Option struct {
	kind optionKind
	ttl  time.Duration
}

type optionKind uint8

const (
	optionNone optionKind = iota
	optionTTL
	optionNoStale
	optionSkipNear
)

// TTL makes the call store with a TTL of d, or Forever, in place of the cache's
// own; Jitter shortens it as usual. Everything else below a millisecond is an
// error of the call. That a loader found nothing is remembered for AbsentTTL all the
// same.
func TTL(d time.Duration) Option { return Option{optionTTL, d} }

// NoStale makes the call wait for a load in place of a stale value, see Config.StaleFor. Only when
// that load fails is the stale value the answer, and the observer hears of the error. Get, GetMany
// and Entry, which do not load, find nothing then.
func NoStale() Option { return Option{kind: optionNoStale} }

// SkipNear makes the call ask Redis rather than the near cache, which then keeps what Redis has
// answered. Without a near cache every call does.
func SkipNear() Option { return Option{kind: optionSkipNear} }

// settings are the options of one call, taken together.
type settings struct {
	ttl      time.Duration // 0: the cache's
	noStale  bool
	skipNear bool
}

// settingsOf returns the first error of the options. The others do not hide it: what a
// call asks for and cannot have is told, whatever else it asks for.
func settingsOf(opts []Option) (s settings, err error) {
	for _, o := range opts {
		if e := s.set(o); err == nil {
			err = e
		}
	}
	return s, err
}

func (s *settings) set(o Option) error {
	switch o.kind {
	case optionTTL:
		s.ttl = o.ttl
		return keyspace.CheckTTLOption(o.ttl)
	case optionNoStale:
		s.noStale = true
	case optionSkipNear:
		s.skipNear = true
	}
	return nil
}
