package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A table is a source whose rows change.
type table[V any] struct {
	mu    sync.Mutex
	rows  map[string]V
	err   error
	loads int
	hook  func(ctx context.Context, load int) // called by each load, before it reads
}

func (s *table[V]) load(ctx context.Context, key string) (V, error) {
	s.mu.Lock()
	s.loads++
	hook, n := s.hook, s.loads
	s.mu.Unlock()
	if hook != nil {
		hook(ctx, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.rows[key]
	switch {
	case s.err != nil:
		return v, s.err
	case !ok:
		return v, cache.ErrNotFound
	}
	return v, nil
}

func (s *table[V]) loadMany(ctx context.Context, keys []string) (map[string]V, error) {
	found := make(map[string]V)
	for _, key := range keys {
		if v, err := s.load(ctx, key); err == nil {
			found[key] = v
		} else if !errors.Is(err, cache.ErrNotFound) {
			return nil, err
		}
	}
	return found, nil
}

func (s *table[V]) put(key string, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = make(map[string]V)
	}
	s.rows[key] = v
}

func (s *table[V]) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, key)
}

func (s *table[V]) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// audits keeps what an observer was told of audits.
type audits struct {
	recorder
	heard []cache.AuditEvent
}

func (a *audits) observer() cache.Observer {
	o := a.recorder.observer()
	o.Audit = func(_ context.Context, e cache.AuditEvent) { record(&a.recorder, &a.heard, e) }
	return o
}

// take returns the audits so far and forgets them.
func (a *audits) take() []cache.AuditEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	heard := a.heard
	a.heard = nil
	return heard
}

// line is an event but for its duration.
func line(e cache.AuditEvent) string {
	text := fmt.Sprintf("%s %s %s %v %v/%v %v", e.Cache, e.Op, e.Key, e.Result, e.Cached, e.Loaded, e.Fields)
	if e.Repaired {
		text += " repaired"
	}
	return text
}

// wants checks what was heard, and forgets it.
func (a *audits) wants(t *testing.T, what string, wanted ...string) {
	t.Helper()
	var got []string
	for _, e := range a.take() {
		got = append(got, line(e))
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: audits %q, want %q", what, got, wanted)
	}
}

// every audits each hit.
var every = cache.AuditConfig{Rate: 1, MaxPerSecond: 1000}

// auditing opens a cache of persons on a table, with an entry of "k".
func auditing(t *testing.T, env *redistest.Env, change func(*cache.Config[string, person])) (*cache.Cache[string, person], *table[person], *audits) {
	t.Helper()
	heard, source := new(audits), new(table[person])
	source.put("k", person{Name: "Ann", Rank: 30})
	cfg := cache.Config[string, person]{Name: "p", TTL: time.Hour, Audit: every, Observer: heard.observer()}
	if change != nil {
		change(&cfg)
	}
	c := open(t, env.Client, cfg)
	if _, err := c.GetOrSet(t.Context(), "k", source.load); err != nil {
		t.Fatal(err)
	}
	return c, source, heard
}

// hit is a call that has to find the entry.
func hit(t *testing.T, c *cache.Cache[string, person], source *table[person], wanted string) {
	t.Helper()
	v, err := c.GetOrSet(t.Context(), "k", source.load)
	if v.Name != wanted || err != nil {
		t.Errorf("GetOrSet: %+v, %v, want %q", v, err, wanted)
	}
}

// settle waits until all audits have ended, and lets the next begin.
func settle() { time.Sleep(5 * time.Second) }

// An entry that is what the source has is found equal, without a trace in Redis.
func TestG15Equal(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		before := env.Mini.Dump()
		hit(t, c, source, "Ann")
		synctest.Wait()
		heard.wants(t, "a hit", "p GetOrSet p:k AuditEqual Present/Present []")
		if after := env.Mini.Dump(); after != before {
			t.Errorf("Redis holds\n%s\nand held\n%s", after, before)
		}
		s := c.Stats()
		if s.AuditsEqual != 1 || s.AuditLoads != 1 || s.Loads != 2 || s.Loaded != 1 || s.Refreshes != 0 {
			t.Errorf("stats: %+v", s)
		}
		loads := heard.recorder.take().loads
		if len(loads) != 2 || loads[0].Audit || !loads[1].Audit || !loads[1].Background {
			t.Errorf("loads: %+v", loads)
		}
	})
}

// An entry that nobody has invalidated is missed, after Grace, and stays as it is.
func TestG15Missed(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		source.put("k", person{Name: "Bob", Rank: 30})
		began := time.Now()
		hit(t, c, source, "Ann")
		if time.Since(began) > 0 {
			t.Error("the call has waited")
		}
		time.Sleep(900 * time.Millisecond)
		heard.wants(t, "within Grace")
		settle()
		if e := heard.take(); len(e) != 1 || line(e[0]) != "p GetOrSet p:k AuditMissed Present/Present [Name]" || e[0].Duration < time.Second {
			t.Errorf("audits: %+v", e)
		}
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "again", "p GetOrSet p:k AuditMissed Present/Present [Name]")
		if keys := env.Mini.Keys(); !slices.Equal(keys, []string{"p:k"}) {
			t.Errorf("Redis holds %q", keys)
		}
		if s := c.Stats(); s.AuditsMissed != 2 || s.AuditsRepaired != 0 {
			t.Errorf("stats: %+v", s)
		}
	})
}

// With Repair the entry is replaced by what was loaded, or removed, by the rules of any load.
func TestG15Repair(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.Audit.Repair = true })
		source.put("k", person{Name: "Bob", Rank: 30})
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "a repair", "p GetOrSet p:k AuditMissed Present/Present [Name] repaired")
		hit(t, c, source, "Bob")
		settle()
		heard.wants(t, "a repaired entry", "p GetOrSet p:k AuditEqual Present/Present []")
		source.remove("k")
		hit(t, c, source, "Bob")
		settle()
		heard.wants(t, "a row that is gone", "p GetOrSet p:k AuditMissed Present/Absent [] repaired")
		wantState(t, c, "k", cache.Absent)
		source.put("k", person{Name: "Cyd"})
		v, err := c.GetOrSet(t.Context(), "k", source.load)
		wantError(t, "an absence", v, err, cache.ErrNotFound)
		settle()
		heard.wants(t, "a row that has come", "p GetOrSet p:k AuditMissed Absent/Present [] repaired")
		hit(t, c, source, "Cyd")
		s := c.Stats()
		if s.AuditsRepaired != 3 || s.AuditsMissed != 3 || s.Loaded != s.LoadStores+s.NotStored() || s.Loaded != 4 {
			t.Errorf("stats: %+v", s)
		}
	})
}

// A repair removes what the neighbouring versions have, as any write.
func TestG15RepairOfVersions(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.Audit.Repair, cfg.Version = true, 3 })
		if err := env.Client.Set(t.Context(), "p@2{p:k}", "old", 0).Err(); err != nil {
			t.Fatal(err)
		}
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "what is right", "p GetOrSet p@3{p:k} AuditEqual Present/Present []")
		source.put("k", person{Name: "Bob"})
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "what is not", "p GetOrSet p@3{p:k} AuditMissed Present/Present [Name Rank] repaired")
		if keys := env.Mini.Keys(); !slices.Equal(keys, []string{"p@3{p:k}"}) {
			t.Errorf("Redis holds %q", keys)
		}
	})
}

// A writer changes the source first and deletes the entry then: an audit in between is late, and
// one that the delete has overtaken does not count.
func TestG15LateAndOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		remove := func() {
			if err := c.Delete(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		}
		source.put("k", person{Name: "Bob", Rank: 30})
		hit(t, c, source, "Ann")
		time.Sleep(450 * time.Millisecond) // between two looks at the entry, which come each 100 ms
		remove()
		time.Sleep(200 * time.Millisecond)
		heard.wants(t, "a delete within Grace", "p GetOrSet p:k AuditLate Present/Present [Name]")
		hit(t, c, source, "Bob")
		for what, differs := range map[string]bool{"equal": false, "different": true} {
			source.hook = func(context.Context, int) { source.hook = nil; remove() }
			if differs {
				source.put("k", person{Name: "Cyd"})
			}
			hit(t, c, source, "Bob")
			settle()
			if e := heard.take(); len(e) != 1 || e[0].Result != cache.AuditOvertaken || e[0].Fields != nil {
				t.Errorf("a delete while the source is asked, %s: %+v", what, e)
			}
			source.put("k", person{Name: "Bob"})
			hit(t, c, source, "Bob")
			settle()
			heard.take()
		}
		source.put("k", person{Name: "Dan"})
		hit(t, c, source, "Bob")
		time.Sleep(500 * time.Millisecond)
		source.put("k", person{Name: "Bob"}) // the source was a lagging copy, or the change is undone
		settle()
		heard.wants(t, "a source that has it again", "p GetOrSet p:k AuditLate Present/Present []")
		if s := c.Stats(); s.AuditsLate != 2 || s.AuditsOvertaken != 2 || s.AuditsMissed != 0 {
			t.Errorf("stats: %+v", s)
		}
	})
}

// Writes by others are seen by what they leave in Redis: by the cache of another process or
// version, and by programs that know nothing of the control key.
func TestG15WritesByOthers(t *testing.T) {
	for _, at := range []struct {
		name  string
		first bool // the write comes in the first load, not within Grace
		want  cache.AuditResult
	}{{"while the source is asked", true, cache.AuditOvertaken}, {"within Grace", false, cache.AuditLate}} {
		for what, write := range map[string]func(*testing.T, *redistest.Env){
			"Delete by another process": func(t *testing.T, env *redistest.Env) {
				_ = open(t, env.Client, cache.Config[string, person]{Name: "p", Version: 2, TTL: time.Hour}).Delete(t.Context(), "k")
			},
			"Set by another process": func(t *testing.T, env *redistest.Env) {
				_ = open(t, env.Client, cache.Config[string, person]{Name: "p", Version: 2, TTL: time.Hour}).Set(t.Context(), "k", person{Name: "Bob"})
			},
			"Set of the version behind": func(t *testing.T, env *redistest.Env) {
				_ = open(t, env.Client, cache.Config[string, string]{Name: "p", Version: 3, TTL: time.Hour}).Set(t.Context(), "k", "v")
			},
			"foreign DEL of both keys": func(t *testing.T, env *redistest.Env) { env.Client.Del(t.Context(), "p@2{p:k}", "aside:{p:k}") },
			"foreign DEL of the value": func(t *testing.T, env *redistest.Env) { env.Client.Del(t.Context(), "p@2{p:k}") },
			"foreign SET":              func(t *testing.T, env *redistest.Env) { env.Client.Set(t.Context(), "p@2{p:k}", "\x80", time.Hour) },
			"FLUSHALL":                 func(t *testing.T, env *redistest.Env) { env.Client.FlushAll(t.Context()) },
		} {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) { cfg.Version = 2 })
				source.put("k", person{Name: "Bob"})
				if at.first {
					source.hook = func(context.Context, int) { source.hook = nil; write(t, env) }
				}
				hit(t, c, source, "Ann")
				if time.Sleep(450 * time.Millisecond); !at.first { // between two looks, which come each 100 ms
					write(t, env)
				}
				settle()
				wanted := at.want
				if what == "foreign DEL of the value" || what == "foreign SET" {
					wanted = cache.AuditOvertaken // no more is known
				}
				if e := heard.take(); len(e) != 1 || e[0].Result != wanted {
					t.Errorf("%s %s: %+v, want %v", what, at.name, e, wanted)
				}
				if env.Mini.Exists("aside:{p:k}") {
					t.Errorf("%s %s: a lease is left", what, at.name)
				}
			})
		}
	}
}

// A row that is gone, and one that has come, are misses as well.
func TestG15Absences(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, source, heard := auditing(t, env, nil)
		absent := func(what string) {
			t.Helper()
			v, err := c.GetOrSet(t.Context(), "n", source.load)
			wantError(t, what, v, err, cache.ErrNotFound)
			settle()
		}
		absent("loaded")
		heard.wants(t, "a load")
		before := env.Mini.Dump()
		absent("remembered")
		heard.wants(t, "an absence", "p GetOrSet p:n AuditEqual Absent/Absent []")
		if after := env.Mini.Dump(); after != before {
			t.Errorf("Redis holds\n%s\nand held\n%s", after, before)
		}
		source.put("n", person{Name: "Bob"})
		absent("missed")
		heard.wants(t, "a row that has come", "p GetOrSet p:n AuditMissed Absent/Present []")
		found, err := c.GetOrSetMany(t.Context(), []string{"n", "k"}, source.loadMany)
		if len(found) != 1 || err != nil {
			t.Errorf("GetOrSetMany: %v, %v", found, err)
		}
		settle()
		e := heard.take()
		slices.SortFunc(e, func(a, b cache.AuditEvent) int { return int(a.Result) - int(b.Result) })
		if len(e) != 1 || line(e[0]) != "p GetOrSetMany p:k AuditEqual Present/Present []" { // one a millisecond
			t.Errorf("audits of a batch: %+v", e)
		}
		source.remove("k")
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "a row that is gone", "p GetOrSet p:k AuditMissed Present/Absent []")
	})
}
