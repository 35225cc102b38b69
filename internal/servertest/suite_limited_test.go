package servertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

// What TestControlPrefix's user may do without a ControlPrefix: it loads and stores without
// leases, on every server, alone and for many at once; and with rights that change.
func TestLimitedTenant(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			return // it knows no rights
		}
		env.FlushAll(t)
		ctx := t.Context()
		rdb := env.NewUser(t, "limited", tenant)
		c := testcache.Open(t, rdb, cache.Config[string, string]{Name: "tenant7:user"})
		load := func(_ context.Context, keys []string) (map[string]string, error) {
			all := make(map[string]string)
			for _, key := range keys {
				all[key] = "of " + key
			}
			return all, nil
		}
		keys := []string{"a", "b}", "{c}", "d", "e", "f"}
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if all, err := c.GetOrSetMany(ctx, keys, load); err != nil || len(all) != len(keys) {
					t.Errorf("GetOrSetMany: %v, %v", all, err)
				}
			})
		}
		callers.Wait()
		if all, err := c.GetMany(ctx, keys); err != nil || len(all) != len(keys) {
			t.Errorf("GetMany: %v, %v", all, err)
		}
		if s := c.Stats(); s.Unleased != uint64(len(keys)) || s.LoadStores != s.Unleased {
			t.Errorf("Stats = %+v, want each key loaded and stored once, without a lease", s)
		}
		if err := c.Delete(ctx, keys...); !errors.Is(err, cache.ErrRedis) {
			t.Errorf("Delete: %v, want that the control keys are left", err)
		}
		if all, err := c.GetMany(ctx, keys); err != nil || len(all) != 0 {
			t.Errorf("after Delete: %v, %v", all, err)
		}

		list, err := collection.NewList(rdb, collection.Config[string, string]{Name: "tenant7:list", TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list.PushBack(ctx, "l", "a"); !errors.Is(err, cache.ErrRedis) {
			t.Errorf("PushBack: %v", err)
		}

		env.Permit(t, "limited", "~aside:*")
		if err := c.Check(ctx); err != nil {
			t.Errorf("with the right to control keys: %v", err)
		}
		before := c.Stats().Unleased
		_, err = c.GetOrSet(ctx, "g", func(context.Context, string) (string, error) { return "", loader.ErrNotFound })
		testcache.WantError(t, "GetOrSet", "", err, cache.ErrNotFound)
		if n := c.Stats().Unleased; n != before {
			t.Errorf("%d loads without a lease, before %d", n, before)
		}
	})
}
