package asideotel

import (
	"context"
	"regexp"
	"slices"
	"testing"

	redisotelnative "github.com/redis/go-redis/extra/redisotel-native/v9"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/asidecache/aside/cache"
)

// What go-redis itself exports goes on being exported beside, of the commands of the cache too: by
// hooks, and without.
func TestBesideInstrumentationOfTheClient(t *testing.T) {
	kept := tracetest.NewSpanRecorder()
	tracers := trace.NewTracerProvider(trace.WithSpanProcessor(kept))
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	native := redisotelnative.GetObservabilityInstance()
	if err := native.Init(redisotelnative.NewConfig().WithEnabled(true).WithMeterProvider(meters)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := native.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	s := measured(t, WithTracerProvider(tracers), WithMeterProvider(meters))
	if err := redisotel.InstrumentTracing(s.rdb, redisotel.WithTracerProvider(tracers)); err != nil {
		t.Fatal(err)
	}
	if err := redisotel.InstrumentMetrics(s.rdb, redisotel.WithMeterProvider(meters)); err != nil {
		t.Fatal(err)
	}
	users := s.open(t, cache.Config[string, string]{Name: "user"})
	ctx, call := tracers.Tracer("test").Start(t.Context(), "call")
	v, err := users.GetOrSet(ctx, "a", func(ctx context.Context, _ string) (string, error) {
		return "v", s.rdb.(*redis.Client).Set(ctx, "source", 1, 0).Err()
	})
	if v != "v" || err != nil {
		t.Fatalf("GetOrSet: %q, %v", v, err)
	}
	call.End()
	parents := make(map[string]string)
	names := make(map[[8]byte]string)
	for _, span := range kept.Ended() {
		names[span.SpanContext().SpanID()] = span.Name()
	}
	for _, span := range kept.Ended() {
		parents[span.Name()] = names[span.Parent().SpanID()]
	}
	for name, parent := range map[string]string{"get": "call", "load user": "call", "set": "load user"} {
		if got, ok := parents[name]; !ok || got != parent {
			t.Errorf("the span %q is below %q (made: %v), want %q", name, got, ok, parent)
		}
	}
	points := read(t, reader)
	exported := named(points)
	for _, name := range []string{"aside.requests", "db.client.operation.duration", "db.client.connections.usage"} {
		if !slices.Contains(exported, name) {
			t.Errorf("%s is not exported: %v", name, exported)
		}
	}
	commands := 0.0
	for name, n := range points {
		if regexpCommand.MatchString(name) {
			commands += n
		}
	}
	if commands < 2 {
		t.Errorf("go-redis has told of %v commands: %v", commands, points)
	}
}

// regexpCommand matches the durations of go-redis itself.
var regexpCommand = regexp.MustCompile(`^db\.client\.operation\.duration\{.*db\.operation\.name=`)
