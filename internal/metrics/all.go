package metrics

import "github.com/asidecache/aside/cache"

// All are the metrics that are read from Stats. Most are of counts that only rise. The difference
// of two that are read one after the other could fall, which a reader takes for the start of a new
// process; those of the near cache are read together.
var All = []Metric{
	{
		Name: "requests", Help: "Lookups of keys, by what was found, and where.", Labels: []string{"result", "source"},
		Series: []Series{
			{[]string{"hit", "near"}, func(s *cache.Stats) uint64 { return s.NearHits - s.NearAbsentHits }},
			{[]string{"hit", "redis"}, func(s *cache.Stats) uint64 { return s.Hits - (s.NearHits - s.NearAbsentHits) }},
			{[]string{"absent", "near"}, func(s *cache.Stats) uint64 { return s.NearAbsentHits }},
			{[]string{"absent", "redis"}, func(s *cache.Stats) uint64 { return s.AbsentHits - s.NearAbsentHits }},
			{[]string{"miss", "redis"}, func(s *cache.Stats) uint64 { return s.Misses }},
			{[]string{"unanswered", "none"}, func(s *cache.Stats) uint64 { return s.Unanswered }},
		},
	},
	{
		Name: "not_stored", Help: "Keys that were loaded and not stored, by the reason.", Labels: []string{"reason"},
		Series: []Series{
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
		Name: "audits", Help: "Hits that were compared with the source, by the result.", Labels: []string{"verdict"},
		Series: []Series{
			{[]string{"equal"}, func(s *cache.Stats) uint64 { return s.AuditsEqual }},
			{[]string{"overtaken"}, func(s *cache.Stats) uint64 { return s.AuditsOvertaken }},
			{[]string{"late"}, func(s *cache.Stats) uint64 { return s.AuditsLate }},
			{[]string{"missed"}, func(s *cache.Stats) uint64 { return s.AuditsMissed }},
			{[]string{"failed"}, func(s *cache.Stats) uint64 { return s.AuditsFailed }},
		},
	},
	counter("audit_loads", "Loads of audits.",
		func(s *cache.Stats) uint64 { return s.AuditLoads }),
	counter("audits_repaired", "Entries that audits have replaced, as nobody had invalidated them.",
		func(s *cache.Stats) uint64 { return s.AuditsRepaired }),
	counter("stale_hits", "Hits that found a value beyond its TTL.",
		func(s *cache.Stats) uint64 { return s.StaleHits }),
	counter("refreshes", "Loads in the background, but for those of audits.",
		func(s *cache.Stats) uint64 { return s.Refreshes }),
	counter("shared", "Calls that another call's load served.",
		func(s *cache.Stats) uint64 { return s.Shared }),
	counter("remembered_errors", "Calls that got the error of an earlier load.",
		func(s *cache.Stats) uint64 { return s.Remembered }),
	counter("fenced", "Loads that were not stored as a write had overtaken them.",
		func(s *cache.Stats) uint64 { return s.Fenced }),
	counter("stores", "Entries stored, by loads and by calls.",
		func(s *cache.Stats) uint64 { return s.Stores }),
	counter("broken", "Entries that could not be decoded.",
		func(s *cache.Stats) uint64 { return s.Broken }),
	counter("outdated", "Entries of another schema.",
		func(s *cache.Stats) uint64 { return s.Outdated }),
	counter("unleased", "Keys loaded without a lease, as Redis refuses what it needs.",
		func(s *cache.Stats) uint64 { return s.Unleased }),
	counter("redis_errors", "Failures of Redis.",
		func(s *cache.Stats) uint64 { return s.RedisErrors }),
	counter("not_asked", "Failures of Redis that the breaker answered at once.",
		func(s *cache.Stats) uint64 { return s.NotAsked }),
	gauge("near_entries", "Entries in the near cache.",
		func(s *cache.Stats) uint64 { return uint64(s.NearEntries) }),
	gauge("near_bytes", "Bytes of these, as MaxBytes counts them.",
		func(s *cache.Stats) uint64 { return uint64(s.NearBytes) }),
	counter("near_evictions", "Entries of the near cache that have made room for others.",
		func(s *cache.Stats) uint64 { return s.NearEvictions }),
	counter("near_invalidations", "Entries of the near cache that were removed as their keys were written.",
		func(s *cache.Stats) uint64 { return s.NearInvalidations }),
	counter("near_flushes", "Times when all entries of the near cache were dropped.",
		func(s *cache.Stats) uint64 { return s.NearFlushes }),
	gauge("near_disconnected", "Whether Redis does not tell the near cache of writes: 0 or 1.",
		func(s *cache.Stats) uint64 { return number(s.NearState == cache.NearDisconnected) }),
	counter("delivered", "Deletes that followed writes which Redis did not acknowledge, and were acknowledged.",
		func(s *cache.Stats) uint64 { return s.Delivered }),
	counter("delivery_given_up", "Deletes that were given up, as nothing can be left to delete.",
		func(s *cache.Stats) uint64 { return s.DeliveryGivenUp }),
	shared(gauge("undelivered", "Keys of the cache's client that are to be deleted, and not cached until then.",
		func(s *cache.Stats) uint64 { return s.Undelivered })),
	shared(gauge("unsettled", "Keys of the cache's client whose writes may still be carried out.",
		func(s *cache.Stats) uint64 { return s.Unsettled })),
	shared(counter("replayed", "Deletes that the cache's client has sent again after a failover.",
		func(s *cache.Stats) uint64 { return s.Replayed })),
	shared(counter("not_replayed", "Writes that a failover would not have been followed by deletes of, as there were too many.",
		func(s *cache.Stats) uint64 { return s.NotReplayed })),
	shared(gauge("bypassed", "Whether no key of the cache's client is cached, as too many are to be deleted: 0 or 1.",
		func(s *cache.Stats) uint64 { return number(s.Bypassed) })),
	shared(counter("breaker_opened", "How often the breaker of the cache's client has opened.",
		func(s *cache.Stats) uint64 { return s.BreakerOpened })),
	shared(gauge("breaker_state", "Whether the breaker of the cache's client is open: 0 or 1.",
		func(s *cache.Stats) uint64 { return uint64(s.Breaker) })),
	gauge("hot_keys", "Keys that are looked up often, and that HotKeys names.",
		func(s *cache.Stats) uint64 { return uint64(s.HotKeys) }),
	gauge("loads_abandoned", "Loaders that run though their contexts have ended.",
		func(s *cache.Stats) uint64 { return s.LoadsAbandoned }),
}

// counter makes a metric without further labels that only rises.
func counter(name, help string, value func(*cache.Stats) uint64) Metric {
	return Metric{Name: name, Help: help, Series: []Series{{Value: value}}}
}

// gauge makes a metric without further labels that rises and falls.
func gauge(name, help string, value func(*cache.Stats) uint64) Metric {
	return Metric{Name: name, Help: help, Gauge: true, Series: []Series{{Value: value}}}
}

// shared makes a metric one of the client, which all its caches tell.
func shared(m Metric) Metric {
	m.OfClient = true
	return m
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
