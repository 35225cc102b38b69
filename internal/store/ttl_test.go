package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// A store that reads TTLs has the remaining one from every read, of a value or of the marker
// that stands for one.
func TestReadsTTLs(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		s.ReadTTLs(true)
		near := func(e *store.Entry, want time.Duration) string {
			if want < 0 && e.TTL == want || want >= 0 && e.TTL <= want && e.TTL > want-time.Minute {
				return ""
			}
			return fmt.Sprintf("TTL %v, want %v", e.TTL, want)
		}
		reads := map[string]func(key string) (*store.Entry, error){
			"Read": func(key string) (*store.Entry, error) {
				e := new(store.Entry)
				for range 2 { // the second time by the command of the first
					found, err := s.Read(t.Context(), key, e, time.Now())
					if err != nil || !found {
						return e, fmt.Errorf("found %v, %v", found, err)
					}
				}
				return e, nil
			},
			"Inspect": func(key string) (*store.Entry, error) {
				e := new(store.Entry)
				return e, s.Inspect(t.Context(), deadline(), key, e, false)
			},
			"Probe": func(key string) (*store.Entry, error) {
				e := new(store.Entry)
				return e, s.Probe(t.Context(), deadline(), key, e)
			},
			"ReadAll": func(key string) (*store.Entry, error) {
				e := []*store.Entry{new(store.Entry), new(store.Entry)}
				return e[1], s.ReadAll(t.Context(), deadline(), []string{"other", key}, e)[1]
			},
			"ProbeAll": func(key string) (*store.Entry, error) {
				e := []*store.Entry{new(store.Entry), new(store.Entry)}
				return e[1], s.ProbeAll(t.Context(), deadline(), []string{"other", key}, e)[1]
			},
		}
		for _, ttl := range []time.Duration{2 * time.Hour, store.Forever} {
			if err := s.Put(t.Context(), deadline(), "k", entry("k", value), ttl); err != nil {
				t.Fatal(err)
			}
			for name, read := range reads {
				if e, err := read("k"); err != nil || near(e, ttl) != "" {
					t.Errorf("%s: %s, %v", name, near(e, ttl), err)
				}
			}
		}
		delete(reads, "Read") // which knows no markers
		delete(reads, "ReadAll")
		if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
			t.Fatal(err)
		}
		for name, read := range reads {
			if e, err := read("k"); err != nil || e.State != store.Absent || near(e, time.Hour) != "" {
				t.Errorf("%s of an absence: %v, %s, %v", name, e.State, near(e, time.Hour), err)
			}
		}
	})
}

// A lease tells beside what it was granted, and who finds a marker how long that still stands.
func TestLeaseTellsOfTTLs(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		about := func(got, want time.Duration) bool { return got <= want+time.Second && got > want-time.Minute }
		if state, _ := b.grant(t, "nothing", true).Beside(); state != store.Missing {
			t.Errorf("beside nothing: %v", state)
		}
		b.foreignPut(t, "v", time.Hour)
		if state, ttl := b.grant(t, "k", true).Beside(); state != store.Present || !about(ttl, time.Hour) {
			t.Errorf("beside a value: %v for %v", state, ttl)
		}
		b.env.FlushAll(t)
		b.foreignPut(t, "v", 0)
		if state, ttl := b.grant(t, "k", true).Beside(); state != store.Present || ttl != store.Forever {
			t.Errorf("beside a value without end: %v for %v", state, ttl)
		}
		for marker, want := range map[string]store.State{"N": store.Absent, "E": store.Present} {
			if marker == "E" && !b.store.HoldsEmpties() {
				continue
			}
			b.do(t, "SET", rediskey.ControlKey("m"), marker, "PX", (2 * time.Hour).Milliseconds())
			for range 2 { // the second time it is carried by a lease
				c, err := b.store.Acquire(t.Context(), deadline(), "m", leaseLife, false)
				if err != nil || c.Status == store.Granted || !about(c.TTL, 2*time.Hour) {
					t.Errorf("%s: status %v for %v, %v", marker, c.Status, c.TTL, err)
				}
				if c, _ := b.store.Acquire(t.Context(), deadline(), "m", leaseLife, true); c.Lease != nil {
					if state, ttl := c.Lease.Beside(); state != want || !about(ttl, 2*time.Hour) {
						t.Errorf("beside %s: %v for %v", marker, state, ttl)
					}
				}
			}
			b.env.FlushAll(t)
		}
	})
}
