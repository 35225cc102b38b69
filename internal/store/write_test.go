package store_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// Put keeps a TTL to the millisecond. Only a clock that stands still can show it.
func TestTTLIsExact(t *testing.T) {
	for _, sh := range shapes {
		t.Run(sh.shape.String(), func(t *testing.T) {
			env := redistest.Mini(t)
			env.Mini.ClockTTL(false)
			s := newStore(t, env.Client, sh.shape)
			for _, ttl := range []time.Duration{time.Millisecond, 999 * time.Millisecond, time.Second, 1001 * time.Millisecond, 3 * time.Hour} {
				for name, put := range map[string]func() error{
					"Put": func() error { return s.Put(t.Context(), deadline(), "k", entry("k", sh.value), ttl) },
					"PutIfAbsent": func() error {
						env.FlushAll(t)
						_, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", sh.value), ttl)
						return err
					},
					"Touch": func() error {
						foreign(t, env.Client, "k", sh.shape.String())
						_, err := s.Touch(t.Context(), deadline(), "k", ttl)
						return err
					},
				} {
					if err := put(); err != nil {
						t.Fatal(err)
					}
					if got := env.Mini.TTL("k"); got != ttl {
						t.Errorf("%s with %v: the key lives %v", name, ttl, got)
					}
				}
				if err := s.PutAbsent(t.Context(), deadline(), "k", ttl); err != nil {
					t.Fatal(err)
				}
				if got := env.Mini.TTL(rediskey.ControlKey("k")); got != ttl {
					t.Errorf("PutAbsent with %v: the marker lives %v", ttl, got)
				}
			}
		})
	}
}

func TestPutAbsent(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.PutAbsent(t.Context(), deadline(), "k", 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		wantStored(t, env.Client, "k", nil)
		wantStored(t, env.Client, rediskey.ControlKey("k"), text("N"))
		wantTTL(t, env.Client, rediskey.ControlKey("k"), 2*time.Hour)
		e, err := look(t, s, "k")
		if err != nil || e.State != store.Absent || e.TTL <= time.Hour || e.TTL > 2*time.Hour {
			t.Errorf("Inspect: %v for %v, %v", e.State, e.TTL, err)
		}
		if _, found, err := read(t, s, "k"); found || err != nil {
			t.Errorf("Read: %v, %v", found, err)
		}
		if err := s.PutAbsent(t.Context(), deadline(), "k", store.Forever); err != nil {
			t.Fatal(err)
		}
		wantTTL(t, env.Client, rediskey.ControlKey("k"), 10*365*24*time.Hour)
		env.Advance(t, 10*365*24*time.Hour)
		if e, err := look(t, s, "k"); err != nil || e.State != store.Missing {
			t.Errorf("Inspect after its life: %v, %v", e.State, err)
		}
	})
}

// A value that Redis cannot hold, as it has no parts, is a marker.
func TestEmptyValues(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if !s.HoldsEmpties() {
			t.Skip("an empty string is a value like others")
		}
		control := rediskey.ControlKey("k")
		puts := map[string]func(ttl time.Duration) error{
			"Put": func(ttl time.Duration) error { return s.Put(t.Context(), deadline(), "k", entry("k", nil), ttl) },
			"PutIfAbsent": func(ttl time.Duration) error {
				ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", nil), ttl)
				if !ok && err == nil {
					return fmt.Errorf("not stored")
				}
				return err
			},
		}
		for name, put := range puts {
			for ttl, life := range map[time.Duration]time.Duration{2 * time.Hour: 2 * time.Hour, store.Forever: 10 * 365 * 24 * time.Hour} {
				env.FlushAll(t)
				foreign(t, env.Client, "k", "stream")
				if err := put(ttl); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				wantStored(t, env.Client, "k", nil)
				wantStored(t, env.Client, control, text("E"))
				wantTTL(t, env.Client, control, life)
				if e, err := look(t, s, "k"); err != nil || e.State != store.Present || e.Wire.Len() != 0 || e.TTL <= life-time.Minute {
					t.Errorf("%s: Inspect: %v for %v, %v", name, e.State, e.TTL, err)
				}
				if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); ok || err != nil {
					t.Errorf("%s: PutIfAbsent over it: %v, %v", name, ok, err)
				}
				if ok, err := s.Touch(t.Context(), deadline(), "k", 3*time.Hour); !ok || err != nil {
					t.Errorf("%s: Touch: %v, %v", name, ok, err)
				}
				wantTTL(t, env.Client, control, 3*time.Hour)
				if ok, err := s.Touch(t.Context(), deadline(), "k", store.Forever); !ok || err != nil {
					t.Errorf("%s: Touch: %v, %v", name, ok, err)
				}
				wantTTL(t, env.Client, control, 10*365*24*time.Hour)
			}
		}
		if e, err := look(t, newStore(t, env.Client, codec.ShapeString), "k"); err != nil || e.State != store.Missing {
			t.Errorf("to a store of strings it is %v, %v", e.State, err)
		}
		if ok, err := newStore(t, env.Client, codec.ShapeString).Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
			t.Errorf("a store of strings touches it: %v, %v", ok, err)
		}
	})
}

func TestPutIfAbsent(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		for _, ttl := range []time.Duration{time.Hour, store.Forever} {
			env.FlushAll(t)
			env.Client.Set(t.Context(), rediskey.ControlKey("k"), "N", time.Minute)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), ttl); !ok || err != nil {
				t.Fatalf("the first: %v, %v", ok, err)
			}
			wantStored(t, env.Client, "k", value)
			wantStored(t, env.Client, rediskey.ControlKey("k"), nil)
			wantTTL(t, env.Client, "k", ttl)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", content{"": "another"}), 5*time.Hour); ok || err != nil {
				t.Errorf("the second: %v, %v", ok, err)
			}
			wantStored(t, env.Client, "k", value)
			wantTTL(t, env.Client, "k", ttl)
		}
	})
}

func TestTouch(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
			t.Errorf("Touch of nothing: %v, %v", ok, err)
		}
		if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, ttl := range []time.Duration{5 * time.Hour, store.Forever, 30 * time.Minute} {
			if ok, err := s.Touch(t.Context(), deadline(), "k", ttl); !ok || err != nil {
				t.Errorf("Touch: %v, %v", ok, err)
			}
			wantTTL(t, env.Client, "k", ttl)
		}
		wantStored(t, env.Client, "k", value)
		if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Touch(t.Context(), deadline(), "k", 5*time.Hour); ok || err != nil {
			t.Errorf("Touch of an absent marker: %v, %v", ok, err)
		}
		wantTTL(t, env.Client, rediskey.ControlKey("k"), time.Hour)
	})
}

func TestDelete(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if env.Mini != nil {
			env.Mini.ClockTTL(false) // which visits all keys on each command
		}
		keys := make([]string, 2500)
		p := env.Client.Pipeline()
		for i := range keys {
			keys[i] = "user:" + strconv.Itoa(i)
			p.Set(t.Context(), keys[i], "v", 0)
			p.Set(t.Context(), rediskey.ControlKey(keys[i]), "N", 0)
		}
		p.Set(t.Context(), "user:2500", "stays", 0)
		if _, err := p.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, keys[0]) // twice
		if failed := s.Delete(t.Context(), deadline(), keys); failed != nil {
			t.Fatalf("%d failed, such as %v", len(failed), failed)
		}
		if n := size(t, env.Client); n != 1 {
			t.Errorf("%d keys are left, want the one that was not deleted", n)
		}
		if failed := s.Delete(t.Context(), deadline(), nil); failed != nil {
			t.Errorf("a delete of nothing: %v", failed)
		}
	})
}

func TestScriptsSurviveScriptFlush(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		for range 2 {
			flushScripts(t, env.Client)
			env.FlushAll(t)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); !ok || err != nil {
				t.Errorf("PutIfAbsent: %v, %v", ok, err)
			}
			if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); !ok || err != nil {
				t.Errorf("Touch: %v, %v", ok, err)
			}
		}
	})
}

// Writes at one time that find scripts refused agree that the next one goes without.
func TestScriptsRefusedToSeveral(t *testing.T) {
	env := redistest.Mini(t)
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
		t.Fatal(err)
	}
	var asked atomic.Int64
	var both sync.WaitGroup
	both.Add(2)
	env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if !strings.HasPrefix(command, "EVAL") {
			return false
		}
		if command == "EVALSHA" && asked.Add(1) <= 2 { // and in full behind it
			both.Done()
			both.Wait()
		}
		p.WriteError("NOPERM User default has no permissions to run the 'evalsha' command")
		return true
	})
	s := newStore(t, env.NewClient(t), codec.ShapeString)
	put := func() {
		if err := s.Put(t.Context(), deadline(), "k", entry("k", text("v")), time.Hour); err != nil {
			t.Error(err)
		}
	}
	var callers sync.WaitGroup
	callers.Go(put)
	callers.Go(put)
	callers.Wait()
	if put(); asked.Load() != 2 {
		t.Errorf("scripts were tried %d times, want twice", asked.Load())
	}
}

// A master that is demoted while it queues the commands of a transaction discards it for that.
func TestDemotedWithinTransaction(t *testing.T) {
	env := redistest.Mini(t)
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
		t.Fatal(err)
	}
	var asked atomic.Int64
	env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		switch {
		case strings.HasPrefix(command, "EVAL"):
			p.WriteError("NOPERM User default has no permissions to run the 'evalsha' command")
			return true
		case command == "EXEC" && asked.Add(1) == 2: // the first one asks whether there are transactions
			p.WriteError("EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.")
			return true
		}
		return false
	})
	s := newStore(t, env.NewClient(t), codec.ShapeString)
	if err := s.Put(t.Context(), deadline(), "k", entry("k", text("v")), time.Hour); err != nil {
		t.Error(err)
	}
	wantStored(t, env.Client, "k", text("v"))
}
