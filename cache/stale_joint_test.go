package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// What the version before has kept beyond its TTL is upgraded, is as stale as it was, and is the
// answer while the source fails and its error is remembered.
func TestStaleValuesUpgradesAndRememberedErrors(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		before := staleConfig()
		before.Version = 1
		after := before
		after.Version, after.ErrorTTL = 2, 10*time.Second
		after.Upgrade = cache.UpgradeFrom(codec.Text[string](), func(old string) (string, error) {
			return "new " + old, nil
		})
		old, c := open(t, env.Client, before), open(t, env.Client, after)
		set(t, old, "k", "a")
		time.Sleep(time.Minute + 10*time.Second)

		var source versions
		source.fail(errBoom)
		for range 10 {
			v, err := c.GetOrSet(t.Context(), "k", source.load)
			want(t, "a stale value of the version before", v, err, "new a")
			time.Sleep(10 * time.Millisecond)
		}
		if e := wantState(t, c, "k", cache.Stale); e.TTL > 50*time.Second {
			t.Errorf("%v are left, want no more than there were", e.TTL)
		}
		time.Sleep(2 * time.Second)
		source.want(t, 1) // by a refresh, which has failed

		for range 3 {
			v, err := c.GetOrSet(t.Context(), "k", source.load, cache.NoStale())
			want(t, "without what is stale, when the source fails", v, err, "new a")
		}
		source.want(t, 1) // the error of the refresh is remembered
		if err := old.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		var remembered *cache.RememberedError
		_, err := c.GetOrSet(t.Context(), "k", source.load)
		if !errors.As(err, &remembered) || !errors.Is(err, errBoom) {
			t.Errorf("after a Delete: %v, want the error that is remembered", err)
		}
		source.want(t, 1)

		source.fail(nil)
		time.Sleep(10 * time.Second)
		v, err := c.GetOrSet(t.Context(), "k", source.load)
		want(t, "when the error is forgotten", v, err, "v2")
		time.Sleep(time.Minute + time.Second)
		v, err = c.GetOrSet(t.Context(), "k", source.load)
		want(t, "what is stale again", v, err, "v2")
		time.Sleep(2 * time.Second)
		v, err = c.GetOrSet(t.Context(), "k", never[string](t))
		want(t, "what was refreshed", v, err, "v3")
	})
}

// Without scripts, or control keys, what is stale is served at once while it is loaded anew, and
// while loads fail.
func TestStaleValuesOnLimitedServers(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, l := range limits {
			t.Run(server.String()+"/"+l.name, func(t *testing.T) {
				t.Parallel()
				rdb := server.Start(t, redistest.Standalone, l.args...).Client(t)
				if l.rules != nil {
					if err := forbids(l.rules...)(t.Context(), rdb); err != nil {
						t.Fatal(err)
					}
				}
				c := open(t, rdb, config{TTL: time.Hour, StaleFor: 3 * time.Hour, Jitter: -1})
				load := func(v string) func(context.Context, string) (string, error) {
					return func(context.Context, string) (string, error) { return v, nil }
				}
				v, err := c.GetOrSet(t.Context(), "k", load("v1"))
				want(t, "GetOrSet", v, err, "v1")
				age := func() {
					t.Helper()
					if err := rdb.PExpire(t.Context(), c.RedisKey("k"), 2*time.Hour).Err(); err != nil {
						t.Fatal(err)
					}
				}
				age()
				v, err = c.GetOrSet(t.Context(), "k", load("v2"))
				want(t, "what is stale", v, err, "v1")
				for v != "v2" && err == nil && t.Context().Err() == nil { // the refresh is under way
					time.Sleep(time.Millisecond)
					v, _, err = c.Get(t.Context(), "k")
				}
				v, err = c.GetOrSet(t.Context(), "k", never[string](t))
				want(t, "what was loaded anew", v, err, "v2")
				wantState(t, c, "k", cache.Present)
				age()
				v, err = c.GetOrSet(t.Context(), "k", failing[string](errBoom), cache.NoStale())
				want(t, "when the source fails", v, err, "v2")
				if s := c.Stats(); s.StaleOnError != 1 || s.Refreshes != 1 || s.Unleased < 3 {
					t.Errorf("Stats = %+v", s)
				}
			})
		}
	}
}
