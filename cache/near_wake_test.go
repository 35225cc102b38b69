package cache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/minitracking"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// nearFleet returns caches that are to each other what those of several processes are, which
// hear of each other's writes a fifth of a millisecond after the server has sent them.
func nearFleet(t *testing.T, n int, env *redistest.Env) []*cache.Cache[string, person] {
	t.Helper()
	env.Client.Ping(t.Context()) // which starts it
	minitracking.Add(env.Mini)
	net := new(faultnet.Network)
	net.Delay(func() time.Duration { return 200 * time.Microsecond })
	fleet := make([]*cache.Cache[string, person], n)
	for i := range fleet {
		fleet[i] = open(t, env.NewClient(t, net.Through), cache.Config[string, person]{
			Near: cache.NearConfig{MaxEntries: 100},
		})
	}
	time.Sleep(time.Second) // until all are connected
	synctest.Wait()
	return fleet
}

// Where writes are heard of, those that wait for another process's load are woken when it has
// stored the value, and ask but a few times before.
func TestNearWaitersAreWoken(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		fleet := nearFleet(t, 4, env)
		stampede(t, env, fleet, "connects") // and loads the scripts
		time.Sleep(time.Second)
		// Most are the first reads of each process, and what stands within scripts.
		if commands, most := stampede(t, env, fleet, "k"), 130; commands > most {
			t.Errorf("%d commands, want at most %d", commands, most)
		}
	})
}

// stampede has a thousand callers in each process ask for a key that is loaded in 50 ms, and
// returns how many commands that takes.
func stampede(t *testing.T, env *redistest.Env, fleet []*cache.Cache[string, person], key string) (commands int) {
	t.Helper()
	const callers, load = 1000, 50 * time.Millisecond
	var runs atomic.Int64
	before, began := env.Mini.CommandCount(), time.Now()
	var wg sync.WaitGroup
	for _, c := range fleet {
		for range callers {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), key, func(context.Context, string) (person, error) {
					runs.Add(1)
					time.Sleep(load)
					return ann, nil
				})
				want(t, "GetOrSet", v, err, ann)
			})
		}
	}
	wg.Wait()
	late := time.Since(began) - load
	commands = env.Mini.CommandCount() - before
	t.Logf("%d commands, the last caller %v after the load", commands, late)
	if n := runs.Load(); n != 1 {
		t.Errorf("%d loads, want one", n)
	}
	if late > 5*time.Millisecond { // some round trips
		t.Errorf("the last caller was answered %v after the load", late)
	}
	return commands
}

// Nobody tells that another's load has found nothing, or failed: it is asked for that.
func TestNearWaitersOfNothing(t *testing.T) {
	for name, result := range map[string]error{"absent": loader.ErrNotFound, "failed": context.Canceled} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				const load = 50 * time.Millisecond
				fleet := nearFleet(t, 2, env)
				var wg sync.WaitGroup
				began := time.Now()
				for i, c := range fleet {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * time.Millisecond)
						_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (person, error) {
							time.Sleep(load)
							return person{}, result
						})
						wantError(t, "GetOrSet", person{}, err, result)
					})
				}
				wg.Wait()
				if took := time.Since(began); took > 4*load {
					t.Errorf("both were answered after %v, of loads that take %v", took, load)
				}
			})
		})
	}
}
