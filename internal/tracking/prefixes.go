package tracking

import (
	"slices"
	"strings"
)

// cover returns the prefixes of all that no other one is a prefix of, in order: Redis refuses
// prefixes that overlap, on one connection.
func cover(all []string) []string {
	all = slices.Compact(slices.Sorted(slices.Values(all)))
	var least []string
	for _, p := range all {
		if len(least) == 0 || !strings.HasPrefix(p, least[len(least)-1]) {
			least = append(least, p)
		}
	}
	return least
}

// without returns what a has and b lacks.
func without[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(v T) bool { return slices.Contains(b, v) })
}

// A routing finds the subscriptions that a key is of interest to. It does not change.
type routing struct {
	lengths []int // of the prefixes
	of      map[string][]*Subscription
}

func newRouting(subs []*Subscription) *routing {
	r := &routing{of: make(map[string][]*Subscription)}
	for _, s := range subs {
		for _, p := range s.prefixes {
			r.of[p] = append(r.of[p], s)
			if !slices.Contains(r.lengths, len(p)) {
				r.lengths = append(r.lengths, len(p))
			}
		}
	}
	return r
}

// invalidate tells the handlers of a key.
func (r *routing) invalidate(key []byte) {
	for _, n := range r.lengths {
		if n > len(key) {
			continue
		}
		for _, s := range r.of[string(key[:n])] {
			s.handler.Invalidate(key)
		}
	}
}
