package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
)

// A named is a cache of the registry under its name in the console.
type named struct {
	cache.Member
	id string
}

// caches returns the open caches. A cache keeps its name while it is open.
func (c *console) caches() []named {
	var recorded []cache.Member // noted first: each is in the registry by now, or has left it
	c.recorders.Range(func(m, _ any) bool {
		recorded = append(recorded, m.(cache.Member))
		return true
	})
	members := c.registry.Caches()
	c.mu.Lock()
	defer c.mu.Unlock()
	open := make(map[cache.Member]string, len(members))
	taken := make(map[string]bool, len(members))
	for _, m := range members {
		if id, ok := c.names[m]; ok {
			open[m], taken[id] = id, true
		}
	}
	all := make([]named, len(members))
	for i, m := range members {
		if open[m] == "" {
			open[m] = free(m, taken)
			taken[open[m]] = true
		}
		all[i] = named{m, open[m]}
	}
	for _, m := range recorded {
		if open[m] == "" {
			c.recorders.Delete(m)
		}
	}
	c.names = open
	return all
}

// free returns a name that no other cache has.
func free(m cache.Member, taken map[string]bool) string {
	id := m.Name()
	if v := m.Version(); v != 0 {
		id = fmt.Sprintf("%s@%d", id, v)
	}
	for n, name := 2, id; ; n++ {
		if !taken[name] {
			return name
		}
		name = fmt.Sprintf("%s#%d", id, n)
	}
}

// cacheOf returns the cache that a request names, or answers that there is none.
func (c *console) cacheOf(w http.ResponseWriter, form url.Values) (m named, ok bool) {
	id := form.Get("cache")
	for _, m := range c.caches() {
		if m.id == id {
			return m, true
		}
	}
	fail(w, http.StatusNotFound, fmt.Sprintf("there is no open cache %q", clip(id, maxKeyText)))
	return m, false
}

// A row is a cache in the list of all.
type row struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int    `json:"version"`
	Client  string `json:"client"`
	Counts  counts `json:"counts"`

	Lookup quantiles `json:"lookup"` // of the last seconds, nothing before somebody looks
	Load   quantiles `json:"load"`

	Running     int    `json:"running"` // loads that are under way
	Breaker     string `json:"breaker"` // open or closed
	Near        string `json:"near"`    // off, connected or disconnected
	NearEntries int64  `json:"near_entries"`
	Undelivered uint64 `json:"undelivered"`
	Bypassed    bool   `json:"bypassed"`
}

// counts are those since the cache was made that have charts, see cache.Stats.
type counts struct {
	NearHits    uint64 `json:"near_hits"`
	RedisHits   uint64 `json:"redis_hits"`
	Misses      uint64 `json:"misses"`
	Unanswered  uint64 `json:"unanswered"`
	Loads       uint64 `json:"loads"`
	Shared      uint64 `json:"shared"`
	Fenced      uint64 `json:"fenced"`
	Errors      uint64 `json:"errors"` // failed loads, and failures of Redis
	LoadErrors  uint64 `json:"load_errors"`
	RedisErrors uint64 `json:"redis_errors"`
	Stores      uint64 `json:"stores"`
	StaleHits   uint64 `json:"stale_hits"`
}

func countsOf(s *cache.Stats) counts {
	return counts{
		NearHits: s.NearHits, RedisHits: s.Hits + s.AbsentHits - min(s.NearHits, s.Hits+s.AbsentHits),
		Misses: s.Misses, Unanswered: s.Unanswered,
		Loads: s.Loads, Shared: s.Shared, Fenced: s.Fenced, Errors: s.LoadErrors + s.RedisErrors,
		LoadErrors: s.LoadErrors, RedisErrors: s.RedisErrors, Stores: s.Stores, StaleHits: s.StaleHits,
	}
}

// nearStates are the states of a near cache in a row.
var nearStates = map[cache.NearState]string{
	cache.NearOff: "off", cache.NearConnected: "connected", cache.NearDisconnected: "disconnected",
}

func (c *console) row(m named, s *cache.Stats, running int, now time.Time) row {
	recorder := c.recorded(m.Member)
	near := nearStates[s.NearState]
	if near == "off" && s.NearEntries > 0 {
		near = "ttl only"
	}
	breaker := "closed"
	if s.Breaker == cache.BreakerOpen {
		breaker = "open"
	}
	return row{
		ID: m.id, Name: m.Name(), Version: m.Version(), Client: clientOf(m.Client()), Counts: countsOf(s),
		Lookup: recorder.lookups.quantiles(now), Load: recorder.loads.quantiles(now),
		Running: running, Breaker: breaker, Near: near, NearEntries: s.NearEntries,
		Undelivered: s.Undelivered, Bypassed: s.Bypassed,
	}
}

// clientOf names the servers of a client, without its credentials.
func clientOf(rdb redis.UniversalClient) string {
	switch rdb := rdb.(type) {
	case *redis.Client:
		o := rdb.Options()
		return fmt.Sprintf("%s/%d", o.Addr, o.DB)
	case *redis.ClusterClient:
		return "cluster " + strings.Join(rdb.Options().Addrs, ", ")
	case *redis.Ring:
		return fmt.Sprintf("ring of %d", rdb.Len())
	}
	return fmt.Sprintf("%T", rdb)
}

// settings are the part of every answer that says what the console permits.
type settings struct {
	Time       time.Time `json:"time"`
	Invalidate bool      `json:"invalidate"` // keys may be invalidated
	Values     bool      `json:"values"`     // values are shown
}

func (c *console) settings(now time.Time) settings {
	return settings{now, c.invalidates, c.showsValues}
}

// overview answers with all caches.
func (c *console) overview(w http.ResponseWriter, r *http.Request) {
	c.watch()
	now := time.Now()
	rows := []row{}
	for _, m := range c.caches() {
		stats := m.Stats()
		rows = append(rows, c.row(m, &stats, len(m.Loads()), now))
	}
	reply(w, http.StatusOK, struct {
		settings
		Caches []row `json:"caches"`
	}{c.settings(now), rows})
}

// A load is a load that runs now.
type load struct {
	Key        keyText `json:"key"`
	Phase      string  `json:"phase"`
	Age        int64   `json:"age_ms"`
	Waiting    int     `json:"waiting"` // callers
	Callers    int     `json:"callers"`
	Background bool    `json:"background,omitempty"`
}

// phases say what a load does at the moment.
var phases = map[cache.LoadPhase]string{
	cache.LoadAsking: "asks Redis", cache.LoadAwaiting: "another process loads",
	cache.LoadQueued: "queued by MaxLoads", cache.LoadRunning: "the loader runs",
	cache.LoadStoring: "is being stored", cache.LoadAbandoned: "runs on, abandoned",
}

func loadOf(l *cache.RunningLoad) load {
	return load{textOf(l.Key, false), phases[l.Phase], l.Age.Milliseconds(), l.Waiting, l.Callers, l.Background}
}

// maxLoads is how many of the loads that run are named, the oldest first.
const maxLoads = 50

// A hotKey is one of cache.HotKeys.
type hotKey struct {
	Key       keyText `json:"key"`
	Share     float64 `json:"share"`
	PerSecond float64 `json:"per_second"`
}

const maxHotKeys = 10

// one answers with everything about one cache.
func (c *console) one(w http.ResponseWriter, r *http.Request) {
	c.watch()
	m, ok := c.cacheOf(w, r.URL.Query())
	if !ok {
		return
	}
	now, stats, running := time.Now(), m.Stats(), m.Loads()
	loads, hot := []load{}, []hotKey{}
	for i := range running[:min(len(running), maxLoads)] {
		loads = append(loads, loadOf(&running[i]))
	}
	keys := m.HotKeys()
	for _, k := range keys[:min(len(keys), maxHotKeys)] {
		hot = append(hot, hotKey{textOf(k.Key, len(k.Key) == maxKeyText), k.Share, k.PerSecond})
	}
	reply(w, http.StatusOK, struct {
		settings
		row
		Stats    cache.Stats `json:"stats"`
		Loads    []load      `json:"loads"` // the oldest of those that run
		HotKeys  []hotKey    `json:"hot_keys"`
		Failures []event     `json:"failures"` // the last first
	}{
		c.settings(now), c.row(m, &stats, len(running), now), stats, loads, hot,
		orNone(c.recorded(m.Member).failed()),
	})
}

// orNone returns a slice that is not nil, so that JSON has [] and not null.
func orNone[E any](all []E) []E {
	if all == nil {
		return []E{}
	}
	return all
}
