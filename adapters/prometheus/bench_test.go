package asideprometheus

import (
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/hitbench"
)

// What the metrics cost a hit: on a Redis in memory, whose own cost is most of it.
func BenchmarkHit(b *testing.B) {
	for name, add := range map[string]func(*cache.Registry){
		"without metrics":          func(*cache.Registry) {},
		"without lookup durations": func(r *cache.Registry) { New(r, WithoutLookupDurations()) },
		"with all":                 func(r *cache.Registry) { New(r) },
	} {
		b.Run(name, func(b *testing.B) {
			caches := new(cache.Registry)
			add(caches)
			hitbench.Run(b, caches, cache.NearConfig{})
		})
	}
}

// What observing one duration costs, by itself.
func BenchmarkObserve(b *testing.B) {
	m := New(new(cache.Registry))
	e := cache.LookupEvent{Cache: "user", Duration: 80 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		m.observeLookup(b.Context(), e)
	}
}
