// Package metrics says what the counts of caches are called where they are exported, so that all
// adapters export the same.
package metrics

import (
	"slices"

	"github.com/asidecache/aside/cache"
)

// A Metric is one that is read from the Stats of caches.
type Metric struct {
	Name     string   // of words with underscores, without what a system adds
	Help     string   // a sentence
	Gauge    bool     // it rises and falls; otherwise it only rises
	OfClient bool     // what the caches of one client have in common is not added up
	Labels   []string // beside the cache's
	Series   []Series
}

// A Series is one combination of a metric's labels.
type Series struct {
	Labels []string // their values
	Value  func(*cache.Stats) uint64
}

// Of returns the value of a series for the caches of one name.
func (m *Metric) Of(s *Series, stats []cache.Stats) (total uint64) {
	for i := range stats {
		if value := s.Value(&stats[i]); m.OfClient {
			total = max(total, value)
		} else {
			total += value
		}
	}
	return total
}

// HottestRatio is a ratio, and so none of All.
var HottestRatio = Metric{Name: "hottest_key_ratio", Help: "The share that the most looked up key has, of the lookups of the cache's client."}

// Hottest returns the value of HottestRatio for the caches of one name.
func Hottest(stats []cache.Stats) (most float64) {
	for i := range stats {
		most = max(most, stats[i].HotShare)
	}
	return most
}

// Each calls f with the caches of each name of a registry.
func Each(r *cache.Registry, f func(name string, stats []cache.Stats)) {
	members := r.Caches()
	for len(members) > 0 {
		name := members[0].Name()
		n := slices.IndexFunc(members, func(m cache.Member) bool { return m.Name() != name })
		if n < 0 {
			n = len(members)
		}
		stats := make([]cache.Stats, n)
		for i := range stats {
			stats[i] = members[i].Stats()
		}
		members = members[n:]
		f(name, stats)
	}
}

// Outcomes say how a load has ended, as the value of a label.
var Outcomes = map[cache.Outcome]string{
	cache.LoadOK: "ok", cache.LoadNotFound: "not_found", cache.LoadFailed: "error",
	cache.LoadPanicked: "panic", cache.LoadCancelled: "cancelled",
}
