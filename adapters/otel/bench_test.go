package asideotel

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/hitbench"
)

// benchInstrument instruments a registry, with providers of the benchmark.
func benchInstrument(b *testing.B, r *cache.Registry, opts ...Option) {
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	opts = append(opts, WithMeterProvider(meters), WithTracerProvider(trace.NewTracerProvider()))
	if err := Instrument(r, opts...); err != nil {
		b.Fatal(err)
	}
}

// What the adapter costs a hit: on a Redis in memory, whose own cost is most of it, and in memory.
func BenchmarkHit(b *testing.B) {
	near := cache.NearConfig{MaxEntries: 10, TTL: time.Hour, Coherence: cache.TTLOnly}
	for name, config := range map[string]cache.NearConfig{"redis": {}, "near": near} {
		for what, add := range map[string]func(*cache.Registry){
			"without": func(*cache.Registry) {},
			"with an observer that does nothing": func(r *cache.Registry) {
				r.Defaults.Observer.Lookup = func(context.Context, cache.LookupEvent) {}
			},
			"without durations": func(r *cache.Registry) {
				benchInstrument(b, r, WithoutLookupDurations(), WithoutDatabaseDurations())
			},
			"with all": func(r *cache.Registry) { benchInstrument(b, r) },
		} {
			b.Run(name+" "+what, func(b *testing.B) {
				caches := new(cache.Registry)
				add(caches)
				hitbench.Run(b, caches, config)
			})
		}
	}
}

// What observing one duration costs, by itself.
func BenchmarkObserve(b *testing.B) {
	caches := new(cache.Registry)
	benchInstrument(b, caches)
	lookup := caches.Defaults.Observer.Lookup
	e := cache.LookupEvent{Cache: "user", Source: cache.Redis, Duration: 80 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		lookup(b.Context(), e)
	}
}
