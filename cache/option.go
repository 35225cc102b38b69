package cache

import (
	"time"

	"github.com/asidecache/aside/internal/family"
)

// An Option changes one call. Of options of one sort the last one counts.
type Option struct {
	sort optionSort
	ttl  time.Duration
}

type optionSort uint8

const (
	optionNone optionSort = iota
	optionTTL
	optionNoStale
	optionSkipNear
)

// TTL makes the call store with a TTL of d, or Forever, in place of the cache's
// own; Jitter shortens it as usual. Everything else below a millisecond is an
// error of the call. That a loader found nothing is remembered for AbsentTTL all the
// same.
func TTL(d time.Duration) Option { return Option{optionTTL, d} }

// NoStale makes the call treat a stale value as none.
func NoStale() Option { return Option{sort: optionNoStale} }

// SkipNear makes the call ask Redis rather than the near cache.
func SkipNear() Option { return Option{sort: optionSkipNear} }

// settings are the options of one call, taken together. A cache without a stale
// window and a near cache does what NoStale and SkipNear ask for anyway.
type settings struct {
	ttl time.Duration // 0: the cache's
}

func settingsOf(opts []Option) (s settings, err error) {
	for _, o := range opts {
		if o.sort != optionTTL {
			continue
		}
		s.ttl, err = o.ttl, family.CheckTTLOption(o.ttl)
	}
	return s, err
}
