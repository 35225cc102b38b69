package asideprometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asidecache/aside/cache"
)

// A metric is one that is read from the Stats of the caches.
type metric struct {
	desc     *prometheus.Desc
	kind     prometheus.ValueType
	ofClient bool // what the caches of one client have in common is not added up
	series   []series
}

// A series is one combination of a metric's labels beside the cache's.
type series struct {
	labels []string
	value  func(*cache.Stats) uint64
}

// counter makes a metric without further labels that only rises.
func counter(name, help string, value func(*cache.Stats) uint64) metric {
	return metric{desc: describe(name, help), kind: prometheus.CounterValue, series: []series{{nil, value}}}
}

// gauge makes a metric without further labels that rises and falls.
func gauge(name, help string, value func(*cache.Stats) uint64) metric {
	return metric{desc: describe(name, help), kind: prometheus.GaugeValue, series: []series{{nil, value}}}
}

// shared makes a metric one of the client, which all its caches tell.
func shared(m metric) metric {
	m.ofClient = true
	return m
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"cache"}, labels...), nil)
}

// metrics are of counts that only rise. The difference of two that are read one after the other
// could fall, which Prometheus takes for the start of a new process; those of the near cache are
// read together.
var metrics = []metric{
	{
		desc: describe("aside_requests_total", "Lookups of keys, by what was found, and where.", "result", "source"),
		kind: prometheus.CounterValue,
		series: []series{
			{[]string{"hit", "near"}, func(s *cache.Stats) uint64 { return s.NearHits - s.NearAbsentHits }},
			{[]string{"hit", "redis"}, func(s *cache.Stats) uint64 { return s.Hits - (s.NearHits - s.NearAbsentHits) }},
			{[]string{"absent", "near"}, func(s *cache.Stats) uint64 { return s.NearAbsentHits }},
			{[]string{"absent", "redis"}, func(s *cache.Stats) uint64 { return s.AbsentHits - s.NearAbsentHits }},
			{[]string{"miss", "redis"}, func(s *cache.Stats) uint64 { return s.Misses }},
			{[]string{"unanswered", "none"}, func(s *cache.Stats) uint64 { return s.Unanswered }},
		},
	},
	{
		desc: describe("aside_not_stored_total", "Keys that were loaded and not stored, by the reason.", "reason"),
		kind: prometheus.CounterValue,
		series: []series{
			{[]string{"fenced"}, func(s *cache.Stats) uint64 { return s.Fenced }},
			{[]string{"out_of_memory"}, func(s *cache.Stats) uint64 { return s.OutOfMemory }},
			{[]string{"too_large"}, func(s *cache.Stats) uint64 { return s.TooLarge }},
			{[]string{"no_permission"}, func(s *cache.Stats) uint64 { return s.NoPermission }},
			{[]string{"no_scripts"}, func(s *cache.Stats) uint64 { return s.NoScripts }},
			{[]string{"redis_failed"}, func(s *cache.Stats) uint64 { return s.StoreErrors }},
			{[]string{"not_encoded"}, func(s *cache.Stats) uint64 { return s.NotEncoded }},
			{[]string{"expired"}, func(s *cache.Stats) uint64 { return s.Expired }},
			{[]string{"no_store"}, func(s *cache.Stats) uint64 { return s.NoStore }},
			{[]string{"absent_off"}, func(s *cache.Stats) uint64 { return s.AbsentOff }},
			{[]string{"cancelled"}, func(s *cache.Stats) uint64 { return s.Cancelled }},
		},
	},
	{
		desc: describe("aside_audits_total", "Hits that were compared with the source, by the result.", "verdict"),
		kind: prometheus.CounterValue,
		series: []series{
			{[]string{"equal"}, func(s *cache.Stats) uint64 { return s.AuditsEqual }},
			{[]string{"overtaken"}, func(s *cache.Stats) uint64 { return s.AuditsOvertaken }},
			{[]string{"late"}, func(s *cache.Stats) uint64 { return s.AuditsLate }},
			{[]string{"missed"}, func(s *cache.Stats) uint64 { return s.AuditsMissed }},
			{[]string{"failed"}, func(s *cache.Stats) uint64 { return s.AuditsFailed }},
		},
	},
	counter("aside_audits_repaired_total", "Entries that audits have replaced, as nobody had invalidated them.",
		func(s *cache.Stats) uint64 { return s.AuditsRepaired }),
	counter("aside_stale_hits_total", "Hits that found a value beyond its TTL.",
		func(s *cache.Stats) uint64 { return s.StaleHits }),
	counter("aside_refreshes_total", "Loads in the background, but for those of audits.",
		func(s *cache.Stats) uint64 { return s.Refreshes }),
	counter("aside_shared_total", "Calls that another call's load served.",
		func(s *cache.Stats) uint64 { return s.Shared }),
	counter("aside_remembered_errors_total", "Calls that got the error of an earlier load.",
		func(s *cache.Stats) uint64 { return s.Remembered }),
	counter("aside_fenced_total", "Loads that were not stored as a write had overtaken them.",
		func(s *cache.Stats) uint64 { return s.Fenced }),
	counter("aside_stores_total", "Entries stored, by loads and by calls.",
		func(s *cache.Stats) uint64 { return s.Stores }),
	counter("aside_broken_total", "Entries that could not be decoded.",
		func(s *cache.Stats) uint64 { return s.Broken }),
	counter("aside_outdated_total", "Entries of another schema.",
		func(s *cache.Stats) uint64 { return s.Outdated }),
	counter("aside_unleased_total", "Keys loaded without a lease, as Redis refuses what it needs.",
		func(s *cache.Stats) uint64 { return s.Unleased }),
	counter("aside_redis_errors_total", "Failures of Redis.",
		func(s *cache.Stats) uint64 { return s.RedisErrors }),
	counter("aside_not_asked_total", "Failures of Redis that the breaker answered at once.",
		func(s *cache.Stats) uint64 { return s.NotAsked }),
	gauge("aside_near_entries", "Entries in the near cache.",
		func(s *cache.Stats) uint64 { return uint64(s.NearEntries) }),
	gauge("aside_near_bytes", "Bytes of these, as MaxBytes counts them.",
		func(s *cache.Stats) uint64 { return uint64(s.NearBytes) }),
	counter("aside_near_evictions_total", "Entries of the near cache that have made room for others.",
		func(s *cache.Stats) uint64 { return s.NearEvictions }),
	counter("aside_near_invalidations_total", "Entries of the near cache that were removed as their keys were written.",
		func(s *cache.Stats) uint64 { return s.NearInvalidations }),
	counter("aside_near_flushes_total", "Times when all entries of the near cache were dropped.",
		func(s *cache.Stats) uint64 { return s.NearFlushes }),
	gauge("aside_near_disconnected", "Whether Redis does not tell the near cache of writes: 0 or 1.",
		func(s *cache.Stats) uint64 { return number(s.NearState == cache.NearDisconnected) }),
	counter("aside_delivered_total", "Deletes that followed writes which Redis did not acknowledge, and were acknowledged.",
		func(s *cache.Stats) uint64 { return s.Delivered }),
	counter("aside_delivery_given_up_total", "Deletes that were given up, as nothing can be left to delete.",
		func(s *cache.Stats) uint64 { return s.DeliveryGivenUp }),
	shared(gauge("aside_undelivered", "Keys of the cache's client that are to be deleted, and not cached until then.",
		func(s *cache.Stats) uint64 { return s.Undelivered })),
	shared(gauge("aside_unsettled", "Keys of the cache's client whose writes may still be carried out.",
		func(s *cache.Stats) uint64 { return s.Unsettled })),
	shared(counter("aside_replayed_total", "Deletes that the cache's client has sent again after a failover.",
		func(s *cache.Stats) uint64 { return s.Replayed })),
	shared(counter("aside_not_replayed_total", "Writes that a failover would not have been followed by deletes of, as there were too many.",
		func(s *cache.Stats) uint64 { return s.NotReplayed })),
	shared(gauge("aside_bypassed", "Whether no key of the cache's client is cached, as too many are to be deleted: 0 or 1.",
		func(s *cache.Stats) uint64 { return number(s.Bypassed) })),
	shared(counter("aside_breaker_opened_total", "How often the breaker of the cache's client has opened.",
		func(s *cache.Stats) uint64 { return s.BreakerOpened })),
	shared(gauge("aside_breaker_state", "Whether the breaker of the cache's client is open: 0 or 1.",
		func(s *cache.Stats) uint64 { return uint64(s.Breaker) })),
	gauge("aside_hot_keys", "Keys that are looked up often, and that HotKeys names.",
		func(s *cache.Stats) uint64 { return uint64(s.HotKeys) }),
	gauge("aside_loads_abandoned", "Loaders that run though their contexts have ended.",
		func(s *cache.Stats) uint64 { return s.LoadsAbandoned }),
}

// hottest is read by itself: it is no count.
var hottest = describe("aside_hottest_key_ratio", "The share that the most looked up key has, of the lookups of the cache's client.")

func collectHottest(ch chan<- prometheus.Metric, name string, stats []cache.Stats) {
	var most float64
	for i := range stats {
		most = max(most, stats[i].HotShare)
	}
	ch <- prometheus.MustNewConstMetric(hottest, prometheus.GaugeValue, most, name)
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, metric := range metrics {
		ch <- metric.desc
	}
	ch <- hottest
	m.loads.Describe(ch)
	m.load.Describe(ch)
	if m.lookup != nil {
		m.lookup.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	members := m.registry.Caches()
	for first := 0; first < len(members); {
		name, last := members[first].Name(), first+1
		stats := []cache.Stats{members[first].Stats()}
		for ; last < len(members) && members[last].Name() == name; last++ {
			stats = append(stats, members[last].Stats())
		}
		first = last
		for _, metric := range metrics {
			metric.collect(ch, name, stats)
		}
		collectHottest(ch, name, stats)
	}
	m.loads.Collect(ch)
	m.load.Collect(ch)
	if m.lookup != nil {
		m.lookup.Collect(ch)
	}
}

// collect sends what the caches of one name have counted.
func (m *metric) collect(ch chan<- prometheus.Metric, name string, stats []cache.Stats) {
	for _, s := range m.series {
		var total uint64
		for i := range stats {
			if value := s.value(&stats[i]); m.ofClient {
				total = max(total, value)
			} else {
				total += value
			}
		}
		labels := append([]string{name}, s.labels...)
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(total), labels...)
	}
}
