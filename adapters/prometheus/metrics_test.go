package asideprometheus

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// service is two caches of one registry, whose metrics are gathered.
func service(t *testing.T, opts ...Option) (*prometheus.Registry, *cache.Registry, redis.UniversalClient) {
	t.Helper()
	caches := new(cache.Registry)
	gathered := prometheus.NewPedanticRegistry()
	gathered.MustRegister(New(caches, opts...))
	t.Cleanup(func() {
		if err := caches.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return gathered, caches, cachetest.NewServer(t).Client()
}

func open(t *testing.T, rdb redis.UniversalClient, caches *cache.Registry, name string, version int) *cache.Cache[string, string] {
	t.Helper()
	c, err := cache.New(rdb, cache.Config[string, string]{Name: name, Version: version, TTL: time.Hour, Registry: caches})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func returns(v string, err error) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return v, err }
}

func TestMetrics(t *testing.T) {
	gathered, caches, rdb := service(t)
	ctx := t.Context()
	users, newer, orders := open(t, rdb, caches, "user", 0), open(t, rdb, caches, "user", 1), open(t, rdb, caches, "order", 0)
	for _, c := range []*cache.Cache[string, string]{users, newer} {
		_, _ = c.GetOrSet(ctx, "a", returns("v", nil))
		_, _ = c.GetOrSet(ctx, "a", returns("v", nil))
	}
	_, _ = orders.GetOrSet(ctx, "none", returns("", cache.ErrNotFound))
	_, _ = orders.GetOrSet(ctx, "none", returns("", cache.ErrNotFound))
	_, _ = orders.GetOrSet(ctx, "fails", returns("", errors.New("no database")))
	_, _ = orders.GetOrSet(ctx, "fenced", func(ctx context.Context, key string) (string, error) {
		return "v", orders.Delete(ctx, key)
	})
	want := `
# HELP aside_fenced_total Loads that were not stored as a write had overtaken them.
# TYPE aside_fenced_total counter
aside_fenced_total{cache="order"} 1
aside_fenced_total{cache="user"} 0
# HELP aside_loads_total Runs of loaders, by how they ended.
# TYPE aside_loads_total counter
aside_loads_total{cache="order",outcome="error"} 1
aside_loads_total{cache="order",outcome="not_found"} 1
aside_loads_total{cache="order",outcome="ok"} 1
aside_loads_total{cache="user",outcome="ok"} 2
# HELP aside_requests_total Lookups of keys, by what was found, and where.
# TYPE aside_requests_total counter
aside_requests_total{cache="order",result="absent",source="near"} 0
aside_requests_total{cache="order",result="absent",source="redis"} 1
aside_requests_total{cache="order",result="hit",source="near"} 0
aside_requests_total{cache="order",result="hit",source="redis"} 0
aside_requests_total{cache="order",result="miss",source="redis"} 3
aside_requests_total{cache="order",result="unanswered",source="none"} 0
aside_requests_total{cache="user",result="absent",source="near"} 0
aside_requests_total{cache="user",result="absent",source="redis"} 0
aside_requests_total{cache="user",result="hit",source="near"} 0
aside_requests_total{cache="user",result="hit",source="redis"} 2
aside_requests_total{cache="user",result="miss",source="redis"} 2
aside_requests_total{cache="user",result="unanswered",source="none"} 0
`
	if err := testutil.GatherAndCompare(gathered, strings.NewReader(want), "aside_requests_total", "aside_loads_total", "aside_fenced_total"); err != nil {
		t.Error(err)
	}
	for name, wanted := range map[string]uint64{"aside_lookup_duration_seconds": 8, "aside_load_duration_seconds": 5} {
		if got := observed(t, gathered, name); got != wanted {
			t.Errorf("%s has %d observations, want %d", name, got, wanted)
		}
	}
	if problems, err := testutil.GatherAndLint(gathered); err != nil || len(problems) > 0 {
		t.Errorf("the metrics have problems: %v %v", problems, err)
	}
}

// What the near cache has answered is told apart from what Redis has.
func TestMetricsOfANearCache(t *testing.T) {
	gathered, caches, rdb := service(t)
	users, err := cache.New(rdb, cache.Config[string, string]{
		Name: "user", TTL: time.Hour, Registry: caches,
		Near: cache.NearConfig{MaxEntries: 10, TTL: time.Minute, Coherence: cache.TTLOnly},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // a load, one read of Redis, and two of the memory
		_, _ = users.GetOrSet(t.Context(), "a", returns("v", nil))
	}
	want := `
# HELP aside_near_entries Entries in the near cache.
# TYPE aside_near_entries gauge
aside_near_entries{cache="user"} 1
# HELP aside_requests_total Lookups of keys, by what was found, and where.
# TYPE aside_requests_total counter
aside_requests_total{cache="user",result="absent",source="near"} 0
aside_requests_total{cache="user",result="absent",source="redis"} 0
aside_requests_total{cache="user",result="hit",source="near"} 2
aside_requests_total{cache="user",result="hit",source="redis"} 1
aside_requests_total{cache="user",result="miss",source="redis"} 1
aside_requests_total{cache="user",result="unanswered",source="none"} 0
`
	if err := testutil.GatherAndCompare(gathered, strings.NewReader(want), "aside_near_entries", "aside_requests_total"); err != nil {
		t.Error(err)
	}
}

// observed returns how many durations a histogram has, of all caches.
func observed(t *testing.T, gathered *prometheus.Registry, name string) (n uint64) {
	t.Helper()
	families, err := gathered.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				n += m.GetHistogram().GetSampleCount()
			}
		}
	}
	return n
}

// What all caches of a client tell is not added up, and what is in the defaults stays.
func TestBreakerOfTwoVersions(t *testing.T) {
	caches := new(cache.Registry)
	errs := 0
	caches.Defaults.Observer.Error = func(context.Context, *cache.Error) { errs++ }
	gathered := prometheus.NewPedanticRegistry()
	gathered.MustRegister(New(caches))
	server := cachetest.NewServer(t)
	users, _ := open(t, server.Client(), caches, "user", 0), open(t, server.Client(), caches, "user", 1)
	server.Down()
	for users.Stats().Breaker != cache.BreakerOpen { // when a probe has failed as well
		_, _ = users.GetOrSet(t.Context(), "a", returns("v", nil))
	}
	want := `
# HELP aside_breaker_opened_total How often the breaker of the cache's client has opened.
# TYPE aside_breaker_opened_total counter
aside_breaker_opened_total{cache="user"} 1
# HELP aside_breaker_state Whether the breaker of the cache's client is open: 0 or 1.
# TYPE aside_breaker_state gauge
aside_breaker_state{cache="user"} 1
`
	if err := testutil.GatherAndCompare(gathered, strings.NewReader(want), "aside_breaker_opened_total", "aside_breaker_state"); err != nil {
		t.Error(err)
	}
	if errs == 0 {
		t.Error("the observer that was in the defaults heard nothing")
	}
	if err := caches.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// The durations of lookups, which every hit pays for, can be left out.
func TestWithoutLookupDurations(t *testing.T) {
	gathered, caches, rdb := service(t, WithoutLookupDurations())
	if caches.Defaults.Observer.Lookup != nil {
		t.Error("lookups are observed")
	}
	_, _ = open(t, rdb, caches, "user", 0).GetOrSet(t.Context(), "a", returns("v", nil))
	if n, err := testutil.GatherAndCount(gathered, "aside_lookup_duration_seconds"); n != 0 || err != nil {
		t.Errorf("there are %d histograms of lookups, %v", n, err)
	}
}

// What is known of hot keys has no labels of keys.
func TestMetricsOfHotKeys(t *testing.T) {
	gathered, caches, rdb := service(t)
	users := open(t, rdb, caches, "user", 0)
	open(t, rdb, caches, "order", 0)
	for range 3000 {
		_, _, _ = users.Get(t.Context(), "a")
	}
	want := `
# HELP aside_hot_keys Keys that are looked up often, and that HotKeys names.
# TYPE aside_hot_keys gauge
aside_hot_keys{cache="order"} 0
aside_hot_keys{cache="user"} 1
# HELP aside_hottest_key_ratio The share that the most looked up key has, of the lookups of the cache's client.
# TYPE aside_hottest_key_ratio gauge
aside_hottest_key_ratio{cache="order"} 0
aside_hottest_key_ratio{cache="user"} 1
`
	if err := testutil.GatherAndCompare(gathered, strings.NewReader(want), "aside_hot_keys", "aside_hottest_key_ratio"); err != nil {
		t.Error(err)
	}
}

// The dashboard asks for metrics and labels that are exported, and for all but those of one label.
func TestDashboard(t *testing.T) {
	gathered, caches, rdb := service(t)
	_, _ = open(t, rdb, caches, "user", 0).GetOrSet(t.Context(), "a", returns("v", nil))
	families, err := gathered.Gather()
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(map[string]bool)
	for _, name := range regexp.MustCompile(`\baside_\w+`).FindAllString(string(dashboard), -1) {
		asked[strings.TrimSuffix(name, "_bucket")] = true
	}
	exported := make(map[string]bool)
	for _, family := range families {
		exported[family.GetName()] = true
		if !asked[family.GetName()] && family.GetName() != "aside_fenced_total" { // one of the reasons
			t.Errorf("the dashboard does not show %s", family.GetName())
		}
	}
	for name := range asked {
		if !exported[name] {
			t.Errorf("the dashboard asks for %s, which is not exported", name)
		}
	}
}

// Audits are told by what they have found.
func TestMetricsOfAudits(t *testing.T) {
	gathered, caches, rdb := service(t)
	heard := make(chan cache.AuditEvent, 10)
	users := cache.Must(cache.New(rdb, cache.Config[string, string]{
		Name: "user", TTL: time.Hour, Registry: caches,
		Audit:    cache.AuditConfig{Rate: 1, MaxPerSecond: 1_000_000_000, Grace: time.Millisecond, Repair: true},
		Observer: cache.Observer{Audit: func(_ context.Context, e cache.AuditEvent) { heard <- e }},
	}))
	for key, found := range map[string]string{"a": "v", "b": "w"} { // equal, missed
		for _, v := range []string{"v", found} {
			if _, err := users.GetOrSet(t.Context(), key, returns(v, nil)); err != nil {
				t.Fatal(err)
			}
		}
		<-heard
	}
	want := `
# HELP aside_audits_repaired_total Entries that audits have replaced, as nobody had invalidated them.
# TYPE aside_audits_repaired_total counter
aside_audits_repaired_total{cache="user"} 1
# HELP aside_audits_total Hits that were compared with the source, by the result.
# TYPE aside_audits_total counter
aside_audits_total{cache="user",verdict="equal"} 1
aside_audits_total{cache="user",verdict="failed"} 0
aside_audits_total{cache="user",verdict="late"} 0
aside_audits_total{cache="user",verdict="missed"} 1
aside_audits_total{cache="user",verdict="overtaken"} 0
`
	if err := testutil.GatherAndCompare(gathered, strings.NewReader(want), "aside_audits_total", "aside_audits_repaired_total"); err != nil {
		t.Error(err)
	}
}

// The page of the metrics names those that are exported, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	gathered, caches, rdb := service(t)
	_, _ = open(t, rdb, caches, "user", 0).GetOrSet(t.Context(), "a", returns("v", nil))
	families, err := gathered.Gather()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, exported []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(aside_\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	for _, family := range families {
		exported = append(exported, family.GetName())
	}
	slices.Sort(documented)
	if !slices.Equal(documented, exported) { // which Gather sorts
		t.Errorf("exported are\n%v\ndocumented are\n%v", exported, documented)
	}
}
