package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// Callers that come while a value is upgraded, and another process writes: those that came
// before it was read may have what is made of it, the others begin anew.
func TestG13FollowersOfARefusedUpgrade(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		text := codec.Codec[string](codec.Text[string]())
		release := make(chan struct{})
		u := openUpgrading(t, env, text, text, func(old string) (string, error) {
			<-release
			return "new " + old, nil
		})
		set(t, u.before, "k", "a")
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" || command == "EVAL" {
				return 10 * time.Millisecond
			}
			return 0
		}, nil)
		answers := map[string]chan string{}
		ask := func(who string) {
			answer := make(chan string, 1)
			answers[who] = answer
			go func() {
				v, err := u.after.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { return "loaded", nil })
				want(t, who, v, err, v)
				answer <- v
			}()
			time.Sleep(5 * time.Millisecond)
		}
		ask("leader")
		ask("a caller that came before the upgrade")
		time.Sleep(time.Second)
		ask("a caller that came during the upgrade")
		if err := u.before.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		ask("a caller that came after the write")
		close(release)
		for who, wanted := range map[string]string{
			"leader": "new a", "a caller that came before the upgrade": "new a",
			"a caller that came during the upgrade": "loaded", "a caller that came after the write": "loaded",
		} {
			if got := <-answers[who]; got != wanted {
				t.Errorf("%s got %q, want %q", who, got, wanted)
			}
		}
	})
}

// An upgrade costs a batch one round trip, and one more if some of its keys are loaded; a cache
// without one pays nothing.
func TestG13RoundTripsOfUpgrades(t *testing.T) {
	const trip = 10 * time.Millisecond
	for _, test := range []struct {
		upgrade bool
		stored  int // how many keys the version before has of 50 that are missing
		trips   int
		loads   int
	}{
		{upgrade: false, trips: 3, loads: 50},
		{upgrade: true, stored: 50, trips: 4},
		{upgrade: true, trips: 4, loads: 50},
		{upgrade: true, stored: 20, trips: 5, loads: 30},
	} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			f := newFaults(t, env)
			before := open(t, env.Client, cache.Config[string, string]{Name: "user", Version: 1})
			cfg := cache.Config[string, string]{Name: "user", Version: 2}
			if test.upgrade {
				cfg.Upgrade = cache.UpgradeFrom(codec.Text[string](), func(old string) (string, error) { return old, nil })
			}
			after := open(t, f.client(t), cfg)
			loads := 0
			ask := func(keys []string) {
				t.Helper()
				got, err := after.GetOrSetMany(t.Context(), keys, func(_ context.Context, keys []string) (map[string]string, error) {
					loads += len(keys)
					got := map[string]string{}
					for _, key := range keys {
						got[key] = key
					}
					return got, nil
				})
				if err != nil || len(got) != len(keys) {
					t.Errorf("GetOrSetMany: %d values, %v", len(got), err)
				}
			}
			ask([]string{"w1", "w2"}) // so that the server knows the scripts
			set(t, before, "w3", "w3")
			set(t, before, "w4", "w4")
			ask([]string{"w3", "w4"})
			var keys []string
			for i := range 100 {
				key := fmt.Sprint("k", i)
				keys = append(keys, key)
				if i < 50 {
					set(t, after, key, key)
				} else if i < 50+test.stored {
					set(t, before, key, key)
				}
			}
			f.slow(trip)
			loads = 0
			began := time.Now()
			ask(keys)
			if took := time.Since(began); took != time.Duration(test.trips)*trip || loads != test.loads {
				t.Errorf("with Upgrade %v, of %d keys stored before, %d round trips and %d loads; want %d and %d",
					test.upgrade, test.stored, took/trip, loads, test.trips, test.loads)
			}
		})
	}
}

// A call that waits for a place among the loads has asked for the version before, and does not
// ask again: the observer hears once of what cannot be upgraded.
func TestG13AnUpgradeIsTriedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		tries := 0
		text := codec.Codec[string](codec.Text[string]())
		u := openUpgrading(t, env, text, text, func(old string) (string, error) { tries++; return "", errUpgrade },
			func(cfg *cache.Config[string, string]) { cfg.MaxLoads = 1 })
		set(t, u.before, "k", "a")
		release := make(chan struct{})
		var calls sync.WaitGroup
		calls.Go(func() {
			_, _ = u.after.GetOrSet(t.Context(), "other", func(context.Context, string) (string, error) { <-release; return "", nil })
		})
		synctest.Wait()
		calls.Go(func() {
			runs := 0
			v, err := u.after.GetOrSet(t.Context(), "k", value("loaded", &runs))
			want(t, "GetOrSet", v, err, "loaded")
		})
		time.Sleep(time.Minute / 10)
		close(release)
		calls.Wait()
		if e := u.rec.take(); len(e.errors) != 1 || tries != 1 {
			t.Errorf("%d tries, errors %v", tries, e.errors)
		}
	})
}

// A caller may do to its value what it likes, and a codec to the bytes: Old is the function's own.
func TestG13AnUpgradeHasAnOldOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		bytes, list := codec.Codec[[]byte](codec.Bytes[[]byte]()), codec.Codec[[]byte](codec.JSON[[]byte]())
		u := openUpgrading(t, env, bytes, list, func(old []byte) ([]byte, error) { return old[1:], nil })
		set(t, u.before, "k", []byte("abc"))
		v, err := u.after.GetOrSet(t.Context(), "k", never[[]byte](t))
		want(t, "GetOrSet", string(v), err, "bc")
		for i := range 20 { // reuse the memory of answers
			set(t, u.before, fmt.Sprint(i), []byte(strings.Repeat("x", i)))
			_, _ = u.after.GetOrSet(t.Context(), fmt.Sprint(i+1), func(context.Context, string) ([]byte, error) { return nil, errors.New("none") })
		}
		want(t, "the value, later", string(v), nil, "bc")
		v[0] = 'z'
		v, err = u.after.GetOrSet(t.Context(), "k", never[[]byte](t))
		want(t, "GetOrSet", string(v), err, "bc")
	})
}
