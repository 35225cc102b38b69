package asideprometheus

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/metrics"
)

// Metrics is a prometheus.Collector of the caches of a registry. Counts are read from the caches
// when Prometheus asks, and cost nothing before; durations are observed as things happen.
type Metrics struct {
	registry *cache.Registry
	loads    *prometheus.CounterVec
	load     *prometheus.HistogramVec
	lookup   *prometheus.HistogramVec // nil: not observed
	lookups  byName
}

// An Option changes what New exports.
type Option func(*options)

type options struct{ lookups bool }

// WithoutLookupDurations leaves aside_lookup_duration_seconds out, which is observed at each hit.
func WithoutLookupDurations() Option { return func(o *options) { o.lookups = false } }

// New returns the metrics of the caches of a registry, and adds an Observer to its Defaults: call
// it before the caches are made. A registry has one Metrics.
func New(r *cache.Registry, opts ...Option) *Metrics {
	o := options{lookups: true}
	for _, opt := range opts {
		opt(&o)
	}
	m := &Metrics{
		registry: r,
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aside_loads_total", Help: "Runs of loaders, by how they ended.",
		}, []string{"cache", "outcome"}),
		load: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aside_load_duration_seconds", Help: "How long loaders ran.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15), NativeHistogramBucketFactor: 1.1,
		}, []string{"cache"}),
	}
	observer := cache.Observer{Load: m.observeLoad}
	if o.lookups {
		m.lookup = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aside_lookup_duration_seconds", Help: "How long calls looked a key up, before any load.",
			Buckets: prometheus.ExponentialBuckets(0.000_025, 2, 16), NativeHistogramBucketFactor: 1.1,
		}, []string{"cache"})
		m.lookups.of = m.lookup
		observer.Lookup = m.observeLookup
	}
	r.Defaults.Observer = cache.Join(r.Defaults.Observer, observer)
	return m
}

func (m *Metrics) observeLoad(_ context.Context, e cache.LoadEvent) {
	m.loads.WithLabelValues(e.Cache, metrics.Outcomes[e.Outcome]).Inc()
	m.load.WithLabelValues(e.Cache).Observe(e.Duration.Seconds())
}

func (m *Metrics) observeLookup(_ context.Context, e cache.LookupEvent) {
	m.lookups.observer(e.Cache).Observe(e.Duration.Seconds())
}
