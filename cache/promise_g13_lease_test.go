package cache_test

import (
	"context"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// While a process without leases runs, an older load of its own may stand where a process with
// leases has deleted: that is what docs/deploys.md says of Lease.
func TestWithoutLeasesAnOlderLoadIsStored(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		cfg := cache.Config[string, string]{Name: "user"}
		with := open(t, env.NewClient(t), cfg)
		cfg.Lease = cache.Off
		without := open(t, env.NewClient(t), cfg)
		overtaken := func(ctx context.Context, key string) (string, error) {
			return "old", with.Delete(ctx, key)
		}
		if v, err := without.GetOrSet(t.Context(), "k", overtaken); v != "old" || err != nil {
			t.Fatal(v, err)
		}
		if v, ok, err := with.Get(t.Context(), "k"); v != "old" || !ok || err != nil {
			t.Errorf("after a load without a lease there is %q, %v, %v", v, ok, err)
		}
		if err := with.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if v, err := with.GetOrSet(t.Context(), "k", overtaken); v != "old" || err != nil {
			t.Fatal(v, err)
		}
		if v, ok, err := with.Get(t.Context(), "k"); ok || err != nil {
			t.Errorf("after a load with a lease there is %q, %v, %v", v, ok, err)
		}
	})
}
