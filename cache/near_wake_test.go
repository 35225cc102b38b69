package cache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/minitracking"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// nearFleet returns caches that are to each other what those of several processes are, which
// hear of each other's writes a fifth of a millisecond after the server has sent them.
func nearFleet(t *testing.T, n int, env *redistest.Env) (fleet []*cache.Cache[string, person], sent *sentCount) {
	t.Helper()
	env.Client.Ping(t.Context()) // which starts it
	minitracking.Add(env.Mini)
	net := new(faultnet.Network)
	net.Delay(func() time.Duration { return 200 * time.Microsecond })
	fleet, sent = make([]*cache.Cache[string, person], n), new(sentCount)
	for i := range fleet {
		client := env.NewClient(t, net.Through)
		client.AddHook(sent)
		fleet[i] = open(t, client, cache.Config[string, person]{
			Near: cache.NearConfig{MaxEntries: 100},
		})
	}
	time.Sleep(time.Second) // until all are connected
	synctest.Wait()
	return fleet, sent
}

// sentCount counts the commands that clients send, as they do: a script is one.
type sentCount struct{ atomic.Int64 }

func (n *sentCount) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *sentCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		n.Add(1)
		return next(ctx, cmd)
	}
}

func (n *sentCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		n.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// Where writes are heard of, those that wait for another process's load are woken when it has
// stored the value, and ask but a few times before.
func TestNearWaitersAreWoken(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		fleet, sent := nearFleet(t, 4, env)
		stampede(t, sent, fleet, "connects") // and loads the scripts
		time.Sleep(time.Second)
		// As a rule 25: a read and a TTL of each process, and of the value when it is there.
		if commands, most := stampede(t, sent, fleet, "k"), 30; commands > most {
			t.Errorf("%d commands, want at most %d", commands, most)
		}
	})
}

// stampede has a thousand callers in each process ask for a key that is loaded in 50 ms, and
// returns how many commands that takes.
func stampede(t *testing.T, sent *sentCount, fleet []*cache.Cache[string, person], key string) (commands int) {
	t.Helper()
	const callers, load = 1000, 50 * time.Millisecond
	var runs atomic.Int64
	before, began := sent.Load(), time.Now()
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
	commands = int(sent.Load() - before)
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
				fleet, _ := nearFleet(t, 2, env)
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
