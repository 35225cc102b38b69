package asideotel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the instrumentation.
const scope = "github.com/asidecache/aside/adapters/otel"

// An Option changes what Instrument exports.
type Option func(*options)

type options struct {
	tracers   trace.TracerProvider
	meters    metric.MeterProvider
	keys      bool
	lookups   bool
	databases bool
}

func optionsOf(opts []Option) options {
	o := options{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider(), lookups: true, databases: true}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithTracerProvider sets where spans go. Default: the global provider.
func WithTracerProvider(p trace.TracerProvider) Option { return func(o *options) { o.tracers = p } }

// WithMeterProvider sets where metrics go. Default: the global provider.
func WithMeterProvider(p metric.MeterProvider) Option { return func(o *options) { o.meters = p } }

// WithKeys adds Redis keys to spans, as aside.keys, and to the texts of their errors. Keys often
// have what a trace is not to keep, such as the address of a person.
func WithKeys() Option { return func(o *options) { o.keys = true } }

// WithoutLookupDurations leaves out aside.lookup.duration, which each hit pays for.
func WithoutLookupDurations() Option { return func(o *options) { o.lookups = false } }

// WithoutDatabaseDurations leaves out db.client.operation.duration, which each hit from Redis pays
// for: for services that have it of each command, by go-redis's own instrumentation.
func WithoutDatabaseDurations() Option { return func(o *options) { o.databases = false } }
