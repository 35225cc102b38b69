package cache_test

import (
	"context"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(wanted) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

type config = cache.Config[string, string]

// refusals are what New does not take, each beside a configuration that is fine.
var refusals = []struct {
	name   string
	change func(cfg *config)
}{
	{"Upgrade without Version", func(cfg *config) { cfg.Upgrade = upgradeOf(codec.Text[int]()) }},
	{"Upgrade without leases", func(cfg *config) {
		cfg.Version, cfg.Lease, cfg.Upgrade = 1, cache.Off, upgradeOf(codec.Text[int]())
	}},
	{"Audit without leases", func(cfg *config) { cfg.Audit.Rate, cfg.Lease = 0.01, cache.Off }},
	{"Upgrade without a codec", func(cfg *config) { cfg.Version, cfg.Upgrade = 1, upgradeOf[int](nil) }},
	{"Upgrade with a nil codec", func(cfg *config) {
		cfg.Version, cfg.Upgrade = 1, upgradeOf((*hashmap.Mapping[int])(nil))
	}},
	{"Upgrade with a codec that cannot work", func(cfg *config) {
		cfg.Version, cfg.Upgrade = 1, upgradeOf(codec.Encrypt(codec.Text[int](), nil))
	}},
	{"Upgrade with an unknown shape", func(cfg *config) { cfg.Version, cfg.Upgrade = 1, upgradeOf[string](shaped(77)) }},
	{"Upgrade without a function", func(cfg *config) {
		cfg.Version, cfg.Upgrade = 1, cache.UpgradeFrom[int, string](codec.Text[int](), nil)
	}},
	{"no name", func(cfg *config) { cfg.Name = "" }},
	{"name of the cache's own keys", func(cfg *config) { cfg.Name = "aside" }},
	{"name under the cache's own keys", func(cfg *config) { cfg.Name = "aside:x" }},
	{"name like a version", func(cfg *config) { cfg.Name = "user@2" }},
	{"name with a version before a brace", func(cfg *config) { cfg.Name = "user@2{a}" }},
	{"name with a version before a colon", func(cfg *config) { cfg.Name = "user@2:{a}" }},
	{"name with a newline", func(cfg *config) { cfg.Name = "user\n" }},
	{"name with a space", func(cfg *config) { cfg.Name = "my user" }},
	{"name with a colon at its end", func(cfg *config) { cfg.Name = "user:" }},
	{"negative version", func(cfg *config) { cfg.Version = -1 }},
	{"control prefix without a colon", func(cfg *config) { cfg.ControlPrefix = "tenant7" }},
	{"control prefix with a brace", func(cfg *config) { cfg.ControlPrefix = "{tenant7}:" }},
	{"control prefix that begins the name", func(cfg *config) { cfg.ControlPrefix = "user:" }},
	{"control prefix that the name begins", func(cfg *config) { cfg.ControlPrefix = "user:aside:" }},
	{"nil codec", func(cfg *config) { cfg.Codec = (*hashmap.Mapping[string])(nil) }},
	{"codec that cannot work", func(cfg *config) {
		cfg.Codec = codec.Compress(codec.Text[string](), codec.Compression(77), -1)
	}},
	{"unknown shape", func(cfg *config) { cfg.Codec = shaped(77) }},
	{"StaleFor of what does not expire", func(cfg *config) { cfg.TTL, cfg.StaleFor = cache.Forever, time.Minute }},
	{"no TTL", func(cfg *config) { cfg.TTL = 0 }},
	{"negative TTL", func(cfg *config) { cfg.TTL = -time.Second }},
	{"TTL below a millisecond", func(cfg *config) { cfg.TTL = time.Millisecond - 1 }},
	{"jitter above 1", func(cfg *config) { cfg.Jitter = 1.01 }},
	{"jitter that is no number", func(cfg *config) { cfg.Jitter = math.NaN() }},
	{"AbsentTTL below a millisecond", func(cfg *config) { cfg.AbsentTTL = time.Microsecond }},
	{"negative AbsentTTL", func(cfg *config) { cfg.AbsentTTL = -time.Second }},
	{"StaleFor", func(cfg *config) { cfg.StaleFor = time.Microsecond }},
	{"negative StaleFor", func(cfg *config) { cfg.StaleFor = -time.Second }},
	{"negative LoadTimeout", func(cfg *config) { cfg.LoadTimeout = -time.Second }},
	{"LoadTimeout off", func(cfg *config) { cfg.LoadTimeout = cache.Off }},
	{"negative ErrorTTL", func(cfg *config) { cfg.ErrorTTL = -time.Second }},
	{"ErrorTTL below a millisecond", func(cfg *config) { cfg.ErrorTTL = time.Microsecond }},
	{"ErrorTTL above ten seconds", func(cfg *config) { cfg.ErrorTTL = 10*time.Second + 1 }},
	{"negative MaxLoads", func(cfg *config) { cfg.MaxLoads = -1 }},
	{"Lease below 10ms", func(cfg *config) { cfg.Lease = 9 * time.Millisecond }},
	{"negative WaitReplicas", func(cfg *config) { cfg.WaitReplicas = -1 }},
	{"Near without a bound", func(cfg *config) { cfg.Near = cache.NearConfig{TTL: time.Second, Coherence: cache.TTLOnly} }},
	{"Near.HotOnly without a bound", func(cfg *config) { cfg.Near = cache.NearConfig{HotOnly: true} }},
	{"Near with two bounds", func(cfg *config) { cfg.Near.MaxEntries, cfg.Near.MaxBytes = 1, 1 }},
	{"negative Near.MaxEntries", func(cfg *config) { cfg.Near.MaxEntries = -1 }},
	{"negative Near.MaxBytes", func(cfg *config) { cfg.Near.MaxBytes = -1 }},
	{"negative Near.TTL", func(cfg *config) { cfg.Near = cache.NearConfig{MaxEntries: 1, TTL: -time.Second} }},
	{"Near.TTL below a millisecond", func(cfg *config) { cfg.Near = cache.NearConfig{MaxEntries: 1, TTL: time.Microsecond} }},
	{"Near.Coherence", func(cfg *config) { cfg.Near = cache.NearConfig{MaxEntries: 1, Coherence: 2} }},
	{"TTLOnly without a TTL", func(cfg *config) { cfg.Near = cache.NearConfig{MaxEntries: 1, Coherence: cache.TTLOnly} }},
	{"Clone without Near", func(cfg *config) { cfg.Clone = func(v string) string { return v } }},
	{"Audit without a Rate", func(cfg *config) { cfg.Audit.Repair = true }},
	{"Audit of more than all", func(cfg *config) { cfg.Audit.Rate = 1.5 }},
	{"Audit of a NaN", func(cfg *config) { cfg.Audit.Rate = math.NaN() }},
	{"Audit with a negative MaxPerSecond", func(cfg *config) { cfg.Audit = cache.AuditConfig{Rate: 1, MaxPerSecond: -1} }},
	{"Audit without Grace", func(cfg *config) { cfg.Audit = cache.AuditConfig{Rate: 1, Grace: cache.Off} }},
	{"Audit with a long Grace", func(cfg *config) { cfg.Audit = cache.AuditConfig{Rate: 1, Grace: time.Minute} }},
	{"RedisTimeout below a millisecond", func(cfg *config) { cfg.RedisTimeout = time.Microsecond }},
	{"RedisTimeout off", func(cfg *config) { cfg.RedisTimeout = cache.Off }},
	{"unknown FailurePolicy", func(cfg *config) { cfg.OnRedisError = 7 }},
	{"unknown Pipelining", func(cfg *config) { cfg.Pipelining = 2 }},
}

// upgradeOf returns an Upgrade with a codec.
func upgradeOf[Old any](c codec.Codec[Old]) cache.Upgrade[string] {
	return cache.UpgradeFrom(c, func(Old) (string, error) { return "", nil })
}

// shaped is a codec of any shape.
type shaped codec.Shape

func (s shaped) Shape() codec.Shape { return codec.Shape(s) }
func (shaped) Encode(w *codec.Wire, v *string) error {
	w.Keep(nil, append(w.Scratch(), *v...))
	return nil
}
func (shaped) Decode(*codec.Wire, *string) error { return nil }

// unused returns a client that connects to nothing.
func unused(t *testing.T) redis.UniversalClient {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// New says in a sentence what is wrong, which field it is and what to do.
func TestRefusals(t *testing.T) {
	rdb := unused(t)
	var b strings.Builder
	tell := func(name string, c any, err error) {
		if err == nil {
			t.Errorf("%s: New gives no error", name)
			return
		}
		b.WriteString(name + "\n\t" + strings.ReplaceAll(err.Error(), "\n", "\n\t") + "\n")
	}
	fine := config{Name: "user", TTL: time.Minute}
	for _, r := range refusals {
		cfg := fine
		r.change(&cfg)
		c, err := cache.New(rdb, cfg)
		tell(r.name, c, err)
	}
	for name, err := range keyRefusals(rdb) {
		tell(name, nil, err)
	}
	c, err := cache.New(nil, fine)
	tell("nil client", c, err)
	c, err = cache.New((*redis.Client)(nil), fine)
	tell("nil *redis.Client", c, err)
	for _, opt := range []*redis.ClusterOptions{{ReadOnly: true}, {RouteRandomly: true}} {
		c, err = cache.New(redis.NewClusterClient(opt), fine)
		tell("cluster client that reads from replicas", c, err)
	}
	c, err = cache.New(redis.NewRing(&redis.RingOptions{}), fine)
	tell("ring", c, err)
	_, err = cache.New(rdb, cache.Config[string, chan int]{Name: "user", TTL: time.Minute})
	tell("value without a codec", nil, err)
	golden(t, "refusals.txt", b.String())
}

// All problems are told at once.
func TestRefusalsTogether(t *testing.T) {
	cfg := config{}
	for _, r := range refusals {
		r.change(&cfg)
	}
	cfg.Name = "aside:user@2"
	_, err := cache.New(nil, cfg)
	if err == nil {
		t.Fatal("New gives no error")
	}
	golden(t, "refusals_together.txt", err.Error()+"\n")
}

// What New accepts works: every combination of settings that is no refusal.
func TestEveryCombinationWorks(t *testing.T) {
	if raceEnabled {
		t.Skip("thousands of caches, one after the other")
	}
	bubble(t, func(t *testing.T, env *redistest.Env) {
		for _, ttl := range []time.Duration{time.Millisecond, time.Hour, cache.Forever, math.MaxInt64} {
			for _, jitter := range []float64{0, -1, 1, math.Inf(-1)} {
				for _, absent := range []time.Duration{0, time.Millisecond, time.Hour, cache.Off} {
					for _, maxLoads := range []int{0, 1, math.MaxInt} {
						for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
							for _, limit := range []time.Duration{0, time.Millisecond, math.MaxInt64} {
								for _, lease := range []time.Duration{0, 10 * time.Millisecond, cache.Off} {
									works(t, env.Client, config{
										Name: "user", Version: 3, TTL: ttl, Jitter: jitter, AbsentTTL: absent, MaxLoads: maxLoads, OnRedisError: policy,
										LoadTimeout: limit, RedisTimeout: limit, Lease: lease, StaleFor: cache.Off,
									})
								}
							}
						}
					}
				}
			}
		}
	})
}

func works(t *testing.T, rdb redis.UniversalClient, cfg config) {
	t.Helper()
	c, err := cache.New(rdb, cfg)
	if err != nil {
		t.Errorf("New(%+v): %v", cfg, err)
		return
	}
	defer c.Close()
	runs := 0
	v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
	want(t, "GetOrSet", v, err, "v")
	wantGet(t, c, "k", &v)
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	v, err = c.GetOrSet(t.Context(), "k", failing[string](cache.ErrNotFound))
	wantError(t, "GetOrSet", v, err, cache.ErrNotFound)
	if e := wantState(t, c, "k", map[bool]cache.State{true: cache.Missing, false: cache.Absent}[cfg.AbsentTTL == cache.Off]); t.Failed() {
		t.Fatalf("with %+v: %+v", cfg, e)
	}
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Error(err)
	}
}

func TestMust(t *testing.T) {
	if cache.Must(1, nil) != 1 {
		t.Error("Must does not return its value")
	}
	defer func() { want(t, "recover()", recover(), nil, any(context.Canceled)) }()
	cache.Must(1, context.Canceled)
}
