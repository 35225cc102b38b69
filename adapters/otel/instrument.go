package asideotel

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/metrics"
)

// Instrument exports what the caches of a registry do, from now on and for as long as the providers
// last. It adds an Observer to the Defaults of the registry: call it once, before the caches are
// made.
//
// Counts are read from the caches when a reader of the meter provider asks, and cost nothing
// before; durations are observed as things happen.
func Instrument(r *cache.Registry, opts ...Option) error {
	o := optionsOf(opts)
	meter := o.meters.Meter(scope)
	if err := observeCounts(meter, r); err != nil {
		return err
	}
	d, err := newDurations(meter, o)
	if err != nil {
		return err
	}
	s := &spans{tracer: o.tracers.Tracer(scope), keys: o.keys}
	r.Defaults.Observer = cache.Join(r.Defaults.Observer, d.observer(), s.observer())
	return nil
}

// durations are observed as things happen.
type durations struct {
	loads                    metric.Int64Counter
	load, lookup, operations metric.Float64Histogram // lookup and operations: nil if not wanted

	attributes sync.Map // of the attributes of a measurement, by what it is of
}

// Of lookups most take less than a millisecond, where the conventions have no bucket.
var (
	lookupBuckets    = []float64{.000_025, .000_05, .000_1, .000_2, .000_4, .000_8, .001_6, .003_2, .006_4, .012_8, .025, .05, .1, .2, .4, .8}
	loadBuckets      = []float64{.001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 4, 8, 16}
	operationBuckets = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10}
)

func newDurations(meter metric.Meter, o options) (*durations, error) {
	d := new(durations)
	var errs [4]error
	d.loads, errs[0] = meter.Int64Counter("aside.loads", metric.WithDescription("Runs of loaders, by how they ended."))
	histogram := func(name, description string, buckets []float64) (metric.Float64Histogram, error) {
		return meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
	}
	d.load, errs[1] = histogram("aside.load.duration", "How long loaders ran.", loadBuckets)
	if o.lookups {
		d.lookup, errs[2] = histogram("aside.lookup.duration", "How long calls looked a key up, before any load.", lookupBuckets)
	}
	if o.databases {
		d.operations, errs[3] = histogram("db.client.operation.duration", "Duration of database client operations.", operationBuckets)
	}
	return d, errors.Join(errs[:]...)
}

func (d *durations) observer() cache.Observer {
	o := cache.Observer{Load: d.observeLoad}
	if d.lookup != nil || d.operations != nil {
		o.Lookup = d.observeLookup
	}
	return o
}

func (d *durations) observeLoad(ctx context.Context, e cache.LoadEvent) {
	name := attribute.String("aside.cache", e.Cache)
	d.loads.Add(ctx, 1, metric.WithAttributes(name, attribute.String("aside.outcome", metrics.Outcomes[e.Outcome])))
	d.load.Record(ctx, e.Duration.Seconds(), metric.WithAttributes(name))
}

func (d *durations) observeLookup(ctx context.Context, e cache.LookupEvent) {
	of := d.attributesOf(kindOfLookup{e.Cache, e.Source})
	seconds := e.Duration.Seconds()
	if d.lookup != nil {
		d.lookup.Record(ctx, seconds, of.lookup...)
	}
	if d.operations != nil && e.Source != cache.Near {
		d.operations.Record(ctx, seconds, of.operation...)
	}
}

// A kindOfLookup is what the attributes of a lookup depend on.
type kindOfLookup struct {
	cache  string
	source cache.Source
}

// measurement are the attributes of a lookup, made once: that takes longer than to record it.
type measurement struct{ lookup, operation []metric.RecordOption }

func (d *durations) attributesOf(kind kindOfLookup) *measurement {
	known, ok := d.attributes.Load(kind)
	if !ok {
		known, _ = d.attributes.LoadOrStore(kind, kind.attributes())
	}
	return known.(*measurement)
}

func (k kindOfLookup) attributes() *measurement {
	name := attribute.String("aside.cache", k.cache)
	operation := []attribute.KeyValue{semconv.DBSystemNameRedis, name}
	source := "redis"
	switch k.source {
	case cache.Near:
		source = "near"
	case cache.None: // Redis has not answered
		source = "none"
		operation = append(operation, semconv.ErrorTypeKey.String("unanswered"))
	}
	set := func(attrs ...attribute.KeyValue) []metric.RecordOption {
		return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attrs...))}
	}
	return &measurement{set(name, attribute.String("aside.source", source)), set(operation...)}
}
