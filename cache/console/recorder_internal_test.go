package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// Nothing is kept of caches that are closed, once there is another one.
func TestClosedCachesAreForgotten(t *testing.T) {
	registry := new(cache.Registry)
	c := newConsole(registry)
	rdb := cachetest.NewServer(t).Client()
	for range 5 {
		made, err := cache.New(rdb, cache.Config[string, string]{Name: "user", TTL: time.Hour, Registry: registry})
		if err != nil {
			t.Fatal(err)
		}
		if err := made.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		kept := 0
		c.recorders.Range(func(_, r any) bool {
			kept++
			if n := len(r.(*recorder).recent.events); n != 1 {
				t.Errorf("%d events", n)
			}
			return true
		})
		if kept != 1 {
			t.Errorf("%d caches are kept", kept)
		}
		_ = made.Close()
	}
}

// An answer that names a cache which is closed meanwhile does not keep it.
func TestClosedCachesAreNotKept(t *testing.T) {
	registry := new(cache.Registry)
	c := newConsole(registry)
	made, err := cache.New(cachetest.NewServer(t).Client(), cache.Config[string, string]{Name: "user", TTL: time.Hour, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	m := c.caches()[0]
	_ = made.Close()
	_ = c.caches()
	stats := m.Stats()
	_ = c.row(m, &stats, 0, time.Now())
	c.recorders.Range(func(any, any) bool {
		t.Error("a closed cache is kept")
		return true
	})
}

// A cache may be closed between being listed and being observed.
func TestObservedWhileClosing(t *testing.T) {
	registry := new(cache.Registry)
	c := newConsole(registry)
	made, err := cache.New(cachetest.NewServer(t).Client(), cache.Config[string, string]{Name: "user", TTL: time.Hour, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	m := c.caches()[0].Member
	_ = made.Close()
	_ = c.caches()
	_ = c.recorder(m).lookupObserver() // as Observe does
	_ = c.caches()
	c.recorders.Range(func(any, any) bool {
		t.Error("a closed cache is kept")
		return true
	})
}

// Whatever happens, a recorder keeps so much and no more.
func TestRecorderIsBounded(t *testing.T) {
	r := new(recorder)
	huge := strings.Repeat("k", 2<<10)
	for i := range 3000 {
		key := fmt.Sprint(i)
		e := about(kindLoad, key+huge, key+huge)
		e.Failed, e.cause = true, key
		r.add(e)
		r.of(key)
		r.of(key + huge)
	}
	for i := range 3 * eventsKept {
		r.add(about(kindLoad, "2999", fmt.Sprint(i)))
	}
	if n := len(r.recent.events); n != recentKept {
		t.Errorf("%d events", n)
	}
	if n := len(r.failures); n != failuresKept {
		t.Errorf("%d failures", n)
	}
	if n := len(r.followed); n != followedKept {
		t.Errorf("%d keys", n)
	}
	events := r.of("2999")
	if len(events) != eventsKept || events[0].Text != fmt.Sprint(3*eventsKept-1) {
		t.Errorf("%d events of the key, the last %+v", len(events), events[0])
	}
	for _, e := range append(r.recent.events, r.failures...) {
		if len(e.redisKey) > maxEventKey || len(e.Text) > maxText || len(e.Key.Text) > maxKeyText {
			t.Fatalf("an event of %d bytes", len(e.redisKey)+len(e.Text)+len(e.Key.Text))
		}
	}
}

// Failures of one cause are kept once, with the last of their keys.
func TestFailuresAreCounted(t *testing.T) {
	r := new(recorder)
	for i, key := range []string{"a", "b", "c"} {
		for _, e := range ofLoad(&cache.LoadEvent{Keys: []string{key, "more"}, Outcome: cache.LoadFailed, Err: fmt.Errorf("cause %d", i/2)}) {
			r.add(e)
		}
	}
	failed := r.failed()
	if len(failed) != 2 || failed[0].Key.Text != "c" || failed[0].Times != 1 || failed[1].Key.Text != "b" || failed[1].Times != 2 {
		t.Errorf("%+v", failed)
	}
}

// An old value that nobody has invalidated is a failure, and no other audit is.
func TestMissedAuditsAreFailures(t *testing.T) {
	r := new(recorder)
	for result := cache.AuditEqual; result <= cache.AuditMissed; result++ {
		r.observer().Audit(t.Context(), cache.AuditEvent{Op: cache.OpGetOrSet, Key: "k", Result: result, Fields: []string{"Name"}})
	}
	if n := len(r.recent.events); n != 4 {
		t.Errorf("%d events", n)
	}
	failed := r.failed()
	if want := "An audit has found an old value, which nobody has invalidated; these fields differ: Name, by GetOrSet."; len(failed) != 1 || failed[0].Text != want {
		t.Errorf("%+v, want %q", failed, want)
	}
}
