package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// wantsFailed checks that an audit has failed, without an event and without a trace.
func wantsFailed(t *testing.T, what string, env *redistest.Env, c *cache.Cache[string, person], heard *audits) {
	t.Helper()
	heard.wants(t, what)
	if s := c.Stats(); s.AuditsFailed != 1 || s.AuditsMissed+s.AuditsLate+s.AuditsOvertaken+s.AuditsEqual != 0 {
		t.Errorf("%s: stats %+v", what, s)
	}
	if env.Mini.Exists("aside:{p:k}") {
		t.Errorf("%s: a lease is left", what)
	}
	wantGet(t, c, "k", &person{Name: "Ann", Rank: 30})
}

// What a loader does in an audit is nobody's result, and ends nothing but the audit.
func TestAuditWhoseLoaderFails(t *testing.T) {
	for what, fault := range map[string]func(context.Context){
		"a panic":            func(context.Context) { panic("down") },
		"LoadTimeout":        func(ctx context.Context) { <-ctx.Done() },
		"an ignored context": func(context.Context) { time.Sleep(time.Minute) },
	} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) {
				cfg.LoadTimeout, cfg.MaxLoads, cfg.ErrorTTL = 5*time.Second, 1, time.Second
			})
			source.hook = func(ctx context.Context, _ int) { fault(ctx) }
			hit(t, c, source, "Ann")
			if time.Sleep(10 * time.Second); env.Mini.Exists("aside:{p:k}") {
				t.Errorf("%s: the lease outlives LoadTimeout", what)
			}
			time.Sleep(2 * time.Minute)
			wantsFailed(t, what, env, c, heard)
			all := heard.recorder.take()
			if last := all.loads[len(all.loads)-1]; !last.Audit || (what == "a panic") != (last.Outcome == cache.LoadPanicked) {
				t.Errorf("%s: load %+v", what, last)
			}
			if (what == "a panic") != (len(all.errors) == 1 && errors.Is(all.errors[0], cache.ErrPanic)) {
				t.Errorf("%s: errors %v", what, all.errors)
			}
			source.hook = nil
			hit(t, c, source, "Ann") // there is a place again
			settle()
			heard.wants(t, "afterwards", "p GetOrSet p:k AuditEqual Present/Present []")
		})
	}
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		source.err = errors.New("down")
		hit(t, c, source, "Ann")
		settle()
		wantsFailed(t, "an error", env, c, heard)
	})
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		source.put("k", person{Name: "Bob"})
		source.hook = func(_ context.Context, n int) {
			if n == 3 { // after Grace
				source.err = errors.New("down")
			}
		}
		hit(t, c, source, "Ann")
		settle()
		wantsFailed(t, "an error after Grace", env, c, heard)
	})
}

// While Redis fails there is no result: also when that begins within an audit.
func TestAuditWithoutRedis(t *testing.T) {
	for what, at := range map[string]int{"while the source is asked": 2, "while it is asked after Grace": 3} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			c, source, heard := auditing(t, env, nil)
			if at == 3 {
				source.put("k", person{Name: "Bob"})
			}
			source.hook = func(_ context.Context, n int) {
				if n == at {
					env.Mini.SetError("ERR down")
				}
			}
			hit(t, c, source, "Ann")
			settle()
			env.Mini.SetError("")
			time.Sleep(5 * time.Second) // what was not released ends by itself
			wantsFailed(t, what, env, c, heard)
		})
	}
}

// Close ends audits at once, in whatever they are, and leaves nothing behind.
func TestCloseEndsAudits(t *testing.T) {
	for what, grace := range map[string]bool{"while the source is asked": false, "within Grace": true} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			c, source, heard := auditing(t, env, nil)
			source.put("k", person{Name: "Bob"})
			if !grace {
				source.hook = func(ctx context.Context, _ int) { <-ctx.Done() }
			}
			hit(t, c, source, "Ann")
			time.Sleep(230 * time.Millisecond) // when no timer of the client ends
			began := time.Now()
			if err := c.Close(); err != nil || time.Since(began) > 0 {
				t.Errorf("%s: Close: %v, after %v", what, err, time.Since(began))
			}
			if left := ours(); len(left) > 0 {
				t.Errorf("%s: %d goroutines are left:\n%s", what, len(left), strings.Join(left, "\n\n"))
			}
			if env.Mini.Exists("aside:{p:k}") {
				t.Errorf("%s: a lease is left", what)
			}
			heard.wants(t, what)
			if s := c.Stats(); s.AuditsFailed != 0 {
				t.Errorf("%s: stats %+v", what, s)
			}
		})
	}
}

// Rate, MaxPerSecond and MaxLoads bound the audits, which never wait.
func TestAuditsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.Audit = cache.AuditConfig{Rate: 1} })
		for range 1000 {
			hit(t, c, source, "Ann")
			time.Sleep(10 * time.Millisecond)
		}
		settle()
		if n := len(heard.take()); n < 95 || n > 100 {
			t.Errorf("%d audits in ten seconds, want 10 in each", n)
		}
		source.hook = func(context.Context, int) { time.Sleep(4 * time.Second) } // while 30 begin
		before := source.count()
		for i := range 1500 {
			key := fmt.Sprint(i)
			if err := c.Set(t.Context(), key, person{}); err != nil {
				t.Fatal(err)
			}
			_, _ = c.GetOrSet(t.Context(), key, source.load)
			time.Sleep(2 * time.Millisecond)
		}
		if n := source.count() - before; n > 10 {
			t.Errorf("%d loads of audits at one time", n)
		}
		settle()
	})
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) {
			cfg.Audit = cache.AuditConfig{Rate: 0.25, MaxPerSecond: 1_000_000}
		})
		for range 4000 {
			hit(t, c, source, "Ann")
			time.Sleep(time.Millisecond)
		}
		settle()
		if n := len(heard.take()); n < 800 || n > 1200 {
			t.Errorf("%d of 4000 hits were audited at a Rate of 0.25", n)
		}
	})
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.MaxLoads = 1 })
		go func() {
			_, _ = c.GetOrSet(t.Context(), "other", func(context.Context, string) (person, error) {
				time.Sleep(time.Minute)
				return person{}, nil
			})
		}()
		synctest.Wait()
		hit(t, c, source, "Ann")
		time.Sleep(2 * time.Minute)
		heard.wants(t, "with no place")
		source.put("k", person{Name: "Bob"})
		hit(t, c, source, "Ann")
		time.Sleep(100 * time.Millisecond)
		v, err := c.GetOrSet(t.Context(), "n", source.load) // within Grace there is a place
		wantError(t, "a load within Grace", v, err, cache.ErrNotFound)
		settle()
		heard.wants(t, "missed", "p GetOrSet p:k AuditMissed Present/Present [Name Rank]")
	})
}

// A key is audited by one audit at a time, and not while it is loaded.
func TestAuditOfABusyKey(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.MaxLoads = 2 })
		other := open(t, env.Client, cache.Config[string, person]{Name: "p", TTL: time.Hour, Audit: every, Observer: heard.observer()})
		source.hook = func(context.Context, int) { time.Sleep(time.Second) }
		for range 50 {
			hit(t, c, source, "Ann")
			hit(t, other, source, "Ann")
			time.Sleep(10 * time.Millisecond)
		}
		settle()
		heard.wants(t, "many hits", "p GetOrSet p:k AuditEqual Present/Present []")
		go func() { _, _ = c.Refresh(t.Context(), "k", source.load) }()
		time.Sleep(500 * time.Millisecond)
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "a key that is refreshed")
		// While one waits for Grace it has no place to load, and one that does not begin keeps none.
		source.put("k", person{Name: "Bob", Rank: 30})
		hit(t, c, source, "Ann")
		time.Sleep(1500 * time.Millisecond)
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "a difference", "p GetOrSet p:k AuditMissed Present/Present [Name]")
		_, _ = c.Refresh(t.Context(), "k", source.load)
		hit(t, c, source, "Bob")
		settle()
		heard.wants(t, "after that", "p GetOrSet p:k AuditEqual Present/Present []")
	})
}

// What is stale is not audited, nor what is refreshed; what is fresh is, in a cache with StaleFor.
func TestAuditAndStaleFor(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) {
			cfg.TTL, cfg.AbsentTTL, cfg.StaleFor, cfg.Jitter = time.Minute, time.Minute, time.Hour, -1
		})
		hit(t, c, source, "Ann")
		_, _ = c.GetOrSet(t.Context(), "n", source.load)
		settle()
		_, _ = c.GetOrSet(t.Context(), "n", source.load)
		settle()
		heard.wants(t, "fresh", "p GetOrSet p:k AuditEqual Present/Present []", "p GetOrSet p:n AuditEqual Absent/Absent []")
		time.Sleep(time.Minute)
		source.put("k", person{Name: "Bob"})
		hit(t, c, source, "Ann")
		_, _ = c.GetOrSet(t.Context(), "n", source.load)
		settle()
		heard.wants(t, "stale")
		hit(t, c, source, "Bob")
		settle()
		heard.wants(t, "refreshed", "p GetOrSet p:k AuditEqual Present/Present []")
	})
}

// Hits of the near cache are audited by what Redis has.
func TestAuditOfNearHits(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) {
			cfg.Near = cache.NearConfig{MaxEntries: 10, TTL: time.Minute, Coherence: cache.TTLOnly}
		})
		hit(t, c, source, "Ann")
		settle()
		heard.take()
		source.put("k", person{Name: "Bob"})
		hit(t, c, source, "Ann")
		settle()
		if s := c.Stats(); s.NearHits != 1 {
			t.Errorf("stats: %+v", s)
		}
		heard.wants(t, "a hit", "p GetOrSet p:k AuditMissed Present/Present [Name Rank]")
		if _, err := c.GetOrSetMany(t.Context(), []string{"k"}, source.loadMany); err != nil {
			t.Error(err)
		}
		settle()
		heard.wants(t, "a batch", "p GetOrSetMany p:k AuditMissed Present/Present [Name Rank]")
		env.Client.Del(t.Context(), "p:k")
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "what Redis has no more", "p GetOrSet p:k AuditOvertaken Missing/Missing []")
		env.Mini.Close()
		hit(t, c, source, "Ann") // asks nobody
		settle()
		if s := c.Stats(); s.AuditsFailed > 1 {
			t.Errorf("without Redis: %+v", s)
		}
	})
}

// A loader of entries has its own TTL, which a repair keeps, and may refuse a store.
func TestAuditOfEntries(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.Audit.Repair, cfg.Jitter = true, -1 })
		entries := func(noStore bool) loader.EntryFunc[string, person] {
			return func(ctx context.Context, key string) (loader.Entry[person], error) {
				v, err := source.load(ctx, key)
				return loader.Entry[person]{Value: v, TTL: 2 * time.Minute, NoStore: noStore}, err
			}
		}
		source.put("k", person{Name: "Bob"})
		_, _ = c.GetOrSetEntry(t.Context(), "k", entries(false))
		time.Sleep(time.Second)
		synctest.Wait()
		heard.wants(t, "an entry", "p GetOrSet p:k AuditMissed Present/Present [Name Rank] repaired")
		if ttl := env.Mini.TTL("p:k"); ttl > 2*time.Minute || ttl < time.Minute {
			t.Errorf("TTL: %v", ttl)
		}
		source.put("k", person{Name: "Cyd"})
		_, _ = c.GetOrSetEntry(t.Context(), "k", entries(true))
		settle()
		heard.wants(t, "what is not to be stored", "p GetOrSet p:k AuditMissed Present/Present [Name] repaired")
		if env.Mini.Exists("p:k") {
			t.Error("it is still there")
		}
	})
}

// What Upgrade has made is compared with the source as any other entry; what is of another schema
// is no hit.
func TestAuditOfUpgradedEntries(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		old := open(t, env.Client, cache.Config[string, string]{Name: "p", Version: 1, TTL: time.Hour})
		_ = old.Set(t.Context(), "k", "Ann")
		_ = old.Set(t.Context(), "m", "Max")
		heard, source := new(audits), new(table[person])
		source.put("k", person{Name: "Ann"})
		c := open(t, env.Client, cache.Config[string, person]{
			Name: "p", Version: 2, TTL: time.Hour, Audit: every, Observer: heard.observer(),
			Upgrade: cache.UpgradeFrom(codec.Text[string](), func(name string) (person, error) { return person{Name: name}, nil }),
		})
		for range 2 {
			for _, key := range []string{"k", "m"} {
				_, _ = c.GetOrSet(t.Context(), key, source.load)
				settle()
			}
		}
		heard.wants(t, "upgraded", "p GetOrSet p@2{p:k} AuditEqual Present/Present []", "p GetOrSet p@2{p:m} AuditMissed Present/Absent []")
		env.Client.Set(t.Context(), "p@2{p:k}", "\x81\xa4name\xa1x", time.Hour)
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "outdated")
	})
}

// Where Redis refuses scripts nothing is audited, and nothing fails.
func TestAuditWithoutScripts(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var refuses atomic.Bool
		c, source, heard := auditing(t, env, nil)
		env.Mini.Server().SetPreHook(func(p *server.Peer, cmd string, _ ...string) bool {
			if refuses.Load() && strings.HasPrefix(cmd, "EVAL") {
				p.WriteError("NOPERM User default has no permissions to run the '" + strings.ToLower(cmd) + "' command")
				return true
			}
			return false
		})
		refuses.Store(true)
		for range 3 {
			hit(t, c, source, "Ann")
			settle()
		}
		heard.wants(t, "without scripts")
		if s := c.Stats(); s.AuditsFailed != 0 || s.RedisErrors != 0 || source.count() != 1 {
			t.Errorf("stats: %+v", s)
		}
		refuses.Store(false)
		time.Sleep(time.Hour / 2)
		for range 2 {
			hit(t, c, source, "Ann")
			settle()
		}
		if len(heard.take()) == 0 {
			t.Error("with scripts again nothing is audited")
		}
	})
}

// An observer may use the cache, and its panics are contained.
func TestObserverOfAudits(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var c *cache.Cache[string, person]
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) {
			cfg.Observer = cache.Join(cfg.Observer, cache.Observer{Audit: func(ctx context.Context, e cache.AuditEvent) {
				if e.Result == cache.AuditMissed {
					_ = c.Delete(ctx, "k")
				}
				panic("an observer")
			}})
		})
		source.put("k", person{Name: "Bob", Rank: 30})
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "missed", "p GetOrSet p:k AuditMissed Present/Present [Name]")
		hit(t, c, source, "Bob")
		if all := heard.recorder.take(); len(all.errors) != 1 {
			t.Errorf("errors: %v", all.errors)
		}
	})
}

// The loader of an audit sees the values of the call's context, and not its end; it may call the
// cache, and does not wait for what the call's own loader waits for.
func TestContextOfAudits(t *testing.T) {
	type name struct{}
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		source.hook = func(ctx context.Context, _ int) {
			time.Sleep(100 * time.Millisecond)
			if ctx.Value(name{}) != "request" || ctx.Err() != nil {
				t.Errorf("the context has %v, and ended by %v", ctx.Value(name{}), ctx.Err())
			}
			if v, err := c.GetOrSet(ctx, "outer", failing[person](errors.New("asked"))); err == nil || v.Name != "" || strings.Contains(err.Error(), "wait for itself") {
				t.Errorf("GetOrSet of the key whose loader has begun the audit: %v, %v", v, err)
			}
		}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), name{}, "request"))
		_, err := c.GetOrSet(ctx, "outer", func(ctx context.Context, _ string) (person, error) {
			v, err := c.GetOrSet(ctx, "k", source.load)
			cancel()
			time.Sleep(time.Second) // so that it is not over when the audit asks for its key
			return v, errors.Join(err, errors.New("no row"))
		})
		if err == nil {
			t.Error("no error")
		}
		settle()
		if n := len(heard.take()); n == 0 {
			t.Error("no audit has ended")
		}
	})
}

// The bound of Clopper and Pearson, by its definition and by what is known of it.
func TestConsistentHits(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	for _, test := range []struct {
		equal, late, missed uint64
		share, atLeast      float64
	}{
		{0, 0, 0, 0, 0},
		{0, 0, 5, 0, 0},
		{1, 0, 0, 1, 0.05},
		{90, 10, 0, 1, math.Pow(0.05, 0.01)},
		{15_000, 0, 0, 1, math.Pow(0.05, 1.0/15_000)},
		{99, 0, 1, 0.99, 0.953440188546461},
		{9, 0, 1, 0.9, 0.6058366975634951},
		{50, 0, 50, 0.5, 0.41362171463091174},
		{1_000_000_000, 0, 0, 1, math.Pow(0.05, 1e-9)},
	} {
		s := cache.Stats{AuditsEqual: test.equal, AuditsLate: test.late, AuditsMissed: test.missed, AuditsOvertaken: 7, AuditsFailed: 9}
		share, atLeast := s.ConsistentHits()
		if !near(share, test.share) || math.Abs(atLeast-test.atLeast) > 1e-8 {
			t.Errorf("%+v: %v, at least %v", test, share, atLeast)
		}
	}
	s := cache.Stats{AuditsEqual: 99_000_000, AuditsMissed: 1_000_000}
	if share, atLeast := s.ConsistentHits(); !near(share, 0.99) || atLeast > share || atLeast < share-2e-5 {
		t.Errorf("a million misses: %v, at least %v", share, atLeast)
	}
}
