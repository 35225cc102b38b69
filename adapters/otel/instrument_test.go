package asideotel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// service is a registry whose metrics are read.
type service struct {
	*metric.ManualReader
	caches *cache.Registry
	server *cachetest.Server
	rdb    redis.UniversalClient
}

func measured(t *testing.T, opts ...Option) *service {
	t.Helper()
	s := &service{ManualReader: metric.NewManualReader(), caches: new(cache.Registry), server: cachetest.NewServer(t)}
	opts = append([]Option{WithMeterProvider(metric.NewMeterProvider(metric.WithReader(s.ManualReader))), WithTracerProvider(trace.NewTracerProvider())}, opts...)
	if err := Instrument(s.caches, opts...); err != nil {
		t.Fatal(err)
	}
	s.rdb = s.server.Client()
	t.Cleanup(func() {
		if err := s.caches.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *service) open(t *testing.T, cfg cache.Config[string, string]) *cache.Cache[string, string] {
	t.Helper()
	cfg.TTL, cfg.Registry = time.Hour, s.caches
	c, err := cache.New(s.rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read returns the points of all metrics, as "name{attributes}": a count, or how many durations.
func read(t *testing.T, from metric.Reader) map[string]float64 {
	t.Helper()
	var got metricdata.ResourceMetrics
	if err := from.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	points := make(map[string]float64)
	for _, from := range got.ScopeMetrics {
		for _, m := range from.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					points[m.Name+"{"+attributes(p.Attributes.ToSlice())+"}"] = float64(p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					points[m.Name+"{"+attributes(p.Attributes.ToSlice())+"}"] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					points[m.Name+"{"+attributes(p.Attributes.ToSlice())+"}"] = p.Value
				}
			case metricdata.Histogram[float64]:
				if from.Scope.Name == scope && m.Unit != "s" {
					t.Errorf("%s has the unit %q", m.Name, m.Unit)
				}
				for _, p := range data.DataPoints {
					points[m.Name+"{"+attributes(p.Attributes.ToSlice())+"}"] = float64(p.Count)
				}
			default:
				t.Errorf("%s has data of type %T", m.Name, data)
			}
		}
	}
	return points
}

func returns(v string, err error) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return v, err }
}

func TestMetrics(t *testing.T) {
	s := measured(t)
	users := s.open(t, cache.Config[string, string]{
		Name: "user", Near: cache.NearConfig{MaxEntries: 10, TTL: time.Minute, Coherence: cache.TTLOnly},
	})
	newer := s.open(t, cache.Config[string, string]{Name: "user", Version: 2})
	for range 4 { // a load, one read of Redis, and two of the memory
		_, _ = users.GetOrSet(t.Context(), "a", returns("v", nil))
	}
	_, _ = newer.GetOrSet(t.Context(), "none", returns("", cache.ErrNotFound))
	_, _ = newer.GetOrSet(t.Context(), "fails", returns("", errors.New("down")))
	_, _ = newer.GetOrSet(t.Context(), "fenced", func(ctx context.Context, key string) (string, error) {
		return "v", newer.Delete(ctx, key)
	})
	s.server.Down()
	_, _ = newer.GetOrSet(t.Context(), "a", returns("v", nil))
	points := read(t, s)
	for name, wanted := range map[string]float64{
		"aside.requests{aside.cache=user aside.result=hit aside.source=near}":                       2,
		"aside.requests{aside.cache=user aside.result=hit aside.source=redis}":                      1,
		"aside.requests{aside.cache=user aside.result=miss aside.source=redis}":                     4,
		"aside.requests{aside.cache=user aside.result=unanswered aside.source=none}":                1,
		"aside.not_stored{aside.cache=user aside.reason=fenced}":                                    1,
		"aside.near_entries{aside.cache=user}":                                                      1,
		"aside.hottest_key_ratio{aside.cache=user}":                                                 0,
		"aside.loads{aside.cache=user aside.outcome=ok}":                                            3,
		"aside.loads{aside.cache=user aside.outcome=not_found}":                                     1,
		"aside.loads{aside.cache=user aside.outcome=error}":                                         1,
		"aside.load.duration{aside.cache=user}":                                                     5,
		"aside.lookup.duration{aside.cache=user aside.source=near}":                                 2,
		"aside.lookup.duration{aside.cache=user aside.source=redis}":                                5,
		"aside.lookup.duration{aside.cache=user aside.source=none}":                                 1,
		"db.client.operation.duration{aside.cache=user db.system.name=redis}":                       5,
		"db.client.operation.duration{aside.cache=user db.system.name=redis error.type=unanswered}": 1,
	} {
		if got, ok := points[name]; !ok || got != wanted {
			t.Errorf("%s is %v (exported: %v), want %v", name, got, ok, wanted)
		}
	}
	for name := range points {
		if strings.Contains(name, "db.operation.name") {
			t.Errorf("%s names a command, and nobody knows which it was", name)
		}
	}
}

// What each hit pays for can be left out.
func TestWithoutDurations(t *testing.T) {
	s := measured(t, WithoutLookupDurations(), WithoutDatabaseDurations())
	if s.caches.Defaults.Observer.Lookup != nil {
		t.Error("lookups are observed")
	}
	s = measured(t, WithoutLookupDurations())
	_, _, _ = s.open(t, cache.Config[string, string]{Name: "user"}).Get(t.Context(), "a")
	if got := named(read(t, s)); slices.Contains(got, "aside.lookup.duration") || !slices.Contains(got, "db.client.operation.duration") {
		t.Errorf("exported are %v", got)
	}
}

// named returns the names of metrics.
func named(points map[string]float64) (names []string) {
	for point := range points {
		name, _, _ := strings.Cut(point, "{")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// The page of the metrics names those that are exported, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	s := measured(t)
	_, _ = s.open(t, cache.Config[string, string]{Name: "user"}).GetOrSet(t.Context(), "a", returns("v", nil))
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("`((?:aside\\.|db\\.client\\.)[a-z_.]+)`").FindAllStringSubmatch(tablesOf(string(page)), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	if exported := named(read(t, s)); fmt.Sprint(exported) != fmt.Sprint(slices.Compact(documented)) {
		t.Errorf("exported are\n%v\ndocumented are\n%v", exported, documented)
	}
}

// tablesOf returns the first columns of the tables of a page.
func tablesOf(page string) (first string) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| ") {
			cell, _, _ := strings.Cut(line[2:], " | ")
			second, _, _ := strings.Cut(line[2+len(cell)+3:], " | ")
			first += cell + second + "\n"
		}
	}
	return first
}
