package metrics_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/metrics"
)

// notExported are counts that others make up for.
var notExported = []string{
	"Loads", "LoadErrors", "LoadsCancelled", // by the events of loads, with their outcomes
	"Loaded", "LoadStores", "Upgraded", "StaleOnError", // by what was stored and why not
	"HotShare", // by Hottest
}

// Each count of Stats is one of the metrics, and no two of a name.
func TestAllCountsAreExported(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range metrics.All {
		if names[m.Name] {
			t.Errorf("there are two metrics %s", m.Name)
		}
		names[m.Name] = true
	}
	fields := reflect.TypeFor[cache.Stats]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		if slices.Contains(notExported, name) == changes(i) {
			t.Errorf("the count %s is in a metric: %v", name, changes(i))
		}
	}
}

// changes reports whether a metric changes with a field of Stats.
func changes(field int) bool {
	s := make([]cache.Stats, 1)
	// Those of the near cache are subtracted: they must not be more than the hits.
	s[0].Hits, s[0].AbsentHits, s[0].NearHits, s[0].NearAbsentHits = 100, 100, 50, 10
	before := values(s)
	v := reflect.ValueOf(&s[0]).Elem().Field(field)
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(uint64(cache.NearDisconnected)) // of a breaker, anything but closed
	default:
		v.SetUint(v.Uint() + 7)
	}
	return !slices.Equal(before, values(s))
}

func values(stats []cache.Stats) (all []uint64) {
	for i := range metrics.All {
		m := &metrics.All[i]
		for k := range m.Series {
			all = append(all, m.Of(&m.Series[k], stats))
		}
	}
	return all
}

// covered says by what metrics an event is exported, beside what a log has of it.
var covered = map[string][]string{
	"Lookup":   {"requests", "stale_hits", "outdated"},
	"Load":     {"refreshes", "loads_abandoned"},
	"Write":    {"stores", "not_stored"},
	"Error":    {"redis_errors", "broken"},
	"Breaker":  {"breaker_state", "breaker_opened"},
	"Delivery": {"delivered", "delivery_given_up", "bypassed"},
	"Near":     {"near_disconnected"},
	"Audit":    {"audits", "audits_repaired"},
	"Hot":      {"hot_keys"},
}

// forSpans are functions that are of use to what makes spans alone.
var forSpans = []string{"StartLoad", "Wait"}

// All that an Observer hears of is exported by each adapter.
func TestAdaptersCoverAllEvents(t *testing.T) {
	var functions []string
	fields := reflect.TypeFor[cache.Observer]()
	for i := range fields.NumField() {
		functions = append(functions, fields.Field(i).Name)
	}
	slog := observed(t, "../../adapters/slog/observer.go")
	otel := observed(t, "../../adapters/otel/spans.go")
	for _, f := range functions {
		if slices.Contains(forSpans, f) {
			if !slices.Contains(otel, f) {
				t.Errorf("adapters/otel makes nothing of %s", f)
			}
			continue
		}
		if !slices.Contains(slog, f) {
			t.Errorf("adapters/slog does not log %s", f)
		}
		if len(covered[f]) == 0 {
			t.Errorf("no metric is of %s", f)
		}
		for _, name := range covered[f] {
			if !slices.ContainsFunc(metrics.All, func(m metrics.Metric) bool { return m.Name == name }) {
				t.Errorf("there is no metric %s, which %s is covered by", name, f)
			}
		}
	}
}

// observed returns the functions of an Observer that a file sets.
func observed(t *testing.T, file string) (functions []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if c, ok := n.(*ast.CompositeLit); ok {
			if s, ok := c.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Observer" {
				for _, e := range c.Elts {
					functions = append(functions, e.(*ast.KeyValueExpr).Key.(*ast.Ident).Name)
				}
			}
		}
		return true
	})
	return functions
}
