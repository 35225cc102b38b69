package cache_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// What is upgraded lives no longer than the value before did, however long the keys behind it in
// a batch take.
func TestG13ABatchKeepsTheTTLs(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		text := codec.Codec[string](codec.Text[string]())
		u := openUpgrading(t, env, text, text, func(old string) (string, error) {
			time.Sleep(time.Second)
			return "new " + old, nil
		})
		keys := []string{"a", "b", "short", "c"}
		for _, key := range keys {
			set(t, u.before, key, key, cache.TTL(30*time.Second))
		}
		set(t, u.before, "short", "short", cache.TTL(3500*time.Millisecond)) // over when the last one is made
		got, err := u.after.GetOrSetMany(t.Context(), keys, func(_ context.Context, keys []string) (map[string]string, error) {
			return nil, fmt.Errorf("%q are loaded", keys)
		})
		if err != nil || len(got) != len(keys) || got["short"] != "new short" {
			t.Fatal(got, err)
		}
		for _, key := range []string{"a", "b", "c"} {
			if e := wantState(t, u.after, key, cache.Present); e.TTL != 26*time.Second {
				t.Errorf("%q lives for %v, and the one before for 26s", key, e.TTL)
			}
		}
		wantState(t, u.after, "short", cache.Missing)
		if s := u.after.Stats(); s.Upgraded != 4 || s.Loaded != 4 || s.LoadStores != 3 || s.NotStored() != 1 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// An upgrade that does not end holds up nobody for longer than a load: neither its callers nor
// those of other processes, which have the lease once nobody waits, or after LoadTimeout.
func TestG13AnUpgradeThatDoesNotEnd(t *testing.T) {
	for _, leave := range []time.Duration{time.Second, time.Hour} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			text, release := codec.Codec[string](codec.Text[string]()), make(chan struct{})
			u := openUpgrading(t, env, text, text, func(old string) (string, error) {
				<-release
				return "new " + old, nil
			}, func(cfg *cache.Config[string, string]) { cfg.LoadTimeout = 5 * time.Second })
			set(t, u.before, "k", "a")
			set(t, u.before, "l", "a")
			ctx, cancel := context.WithTimeout(t.Context(), leave)
			defer cancel()
			began, ends := time.Now(), min(leave, 5*time.Second)
			_, err := u.after.GetOrSetMany(ctx, []string{"k", "l"}, func(context.Context, []string) (map[string]string, error) {
				t.Error("a load")
				return nil, nil
			})
			wantError(t, "GetOrSetMany", "", err, context.DeadlineExceeded)
			if took := time.Since(began); took != ends {
				t.Errorf("the call took %v, want %v", took, ends)
			}
			if says := strings.Contains(err.Error(), "the upgrade took longer than LoadTimeout, 5s"); says != (leave > ends) {
				t.Errorf("a call that leaves after %v: %v", leave, err)
			}
			synctest.Wait()
			for _, key := range []string{"k", "l"} {
				if env.Client.Exists(t.Context(), control("user:"+key)).Val() != 0 {
					t.Errorf("the lease of %q is still there", key)
				}
			}
			close(release)
			synctest.Wait()
			wantState(t, u.after, "k", cache.Missing)
			wantState(t, u.after, "l", cache.Missing)
		})
	}
}
