package cache_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// openFleet returns caches that are to each other what those of several processes
// are: they share Redis, and nothing in memory.
func openFleet[V any](t testing.TB, n int, f *faults, cfg cache.Config[string, V]) []*cache.Cache[string, V] {
	t.Helper()
	fleet := make([]*cache.Cache[string, V], n)
	for i := range fleet {
		fleet[i] = open(t, f.client(t), cfg)
	}
	return fleet
}

// All processes of a fleet share one load, and each asks but seldom for its end.
func TestG1OneLoadForTheFleet(t *testing.T) {
	const processes, callers = 4, 250
	for _, load := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond, 10 * time.Second} {
		t.Run(load.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				f.slow(100 * time.Microsecond)
				fleet := openFleet(t, processes, f, cache.Config[string, person]{})
				var runs atomic.Int64
				began := time.Now()
				var wg sync.WaitGroup
				for _, c := range fleet {
					for range callers {
						wg.Go(func() {
							v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (person, error) {
								runs.Add(1)
								time.Sleep(load)
								return ann, nil
							})
							want(t, "GetOrSet", v, err, ann)
						})
					}
				}
				wg.Wait()
				if n := runs.Load(); n != 1 {
					t.Errorf("%d loads for the fleet, want one", n)
				}
				// An eighth of the time, a quarter more for the jitter, and some round trips.
				late, allowed := time.Since(began)-load, load/6+5*time.Millisecond
				if allowed > 350*time.Millisecond {
					allowed = 350 * time.Millisecond
				}
				if late > allowed {
					t.Errorf("the last caller was answered %v after the load, want %v at most", late, allowed)
				}
			})
		})
	}
}

// A caller that waits for another process's load leaves with its own context, at once, and
// takes the lease of a process that has died when that ends.
func TestG1AnotherProcessLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Lease: 3 * time.Second})
		if err := env.Client.Set(t.Context(), control("test:k"), "L0123456789abcdef", 3*time.Second).Err(); err != nil {
			t.Fatal(err)
		}
		for name, end := range map[string]func() (context.Context, context.CancelFunc, error){
			"deadline": func() (context.Context, context.CancelFunc, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
				return ctx, cancel, context.DeadlineExceeded
			},
			"cancellation": func() (context.Context, context.CancelFunc, error) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(700*time.Millisecond, cancel)
				return ctx, cancel, context.Canceled
			},
		} {
			ctx, cancel, wanted := end()
			began := time.Now()
			v, err := c.GetOrSet(ctx, "k", never[string](t))
			wantError(t, name, v, err, wanted)
			if took := time.Since(began); took != 700*time.Millisecond {
				t.Errorf("%s: left after %v, want 700ms", name, took)
			}
			cancel()
		}
		began, runs := time.Now(), 0
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet after the other has died", v, err, "v")
		if took := time.Since(began); took < 1600*time.Millisecond || took > 1610*time.Millisecond {
			t.Errorf("it took %v, want the 1.6s that the lease had left", took)
		}
	})
}

// A lease is renewed for as long as the load takes, and not beyond LoadTimeout.
func TestG1LeaseIsRenewed(t *testing.T) {
	for _, lease := range []time.Duration{50 * time.Millisecond, 3 * time.Second} {
		t.Run(lease.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				fleet := openFleet(t, 2, newFaults(t, env), cache.Config[string, string]{Lease: lease, LoadTimeout: 20 * time.Second})
				var wg sync.WaitGroup
				wg.Go(func() {
					v, err := fleet[0].GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
						time.Sleep(19 * time.Second)
						return "v", nil
					})
					want(t, "GetOrSet", v, err, "v")
				})
				synctest.Wait()
				v, err := fleet[1].GetOrSet(t.Context(), "k", never[string](t))
				want(t, "GetOrSet of another process", v, err, "v")
				wg.Wait()

				stuck := make(chan struct{})
				wg.Go(func() {
					v, err := fleet[0].GetOrSet(t.Context(), "stuck", func(context.Context, string) (string, error) {
						<-stuck // whatever its context says
						return "too late", nil
					})
					wantError(t, "GetOrSet of a loader that hangs", v, err, context.DeadlineExceeded)
				})
				synctest.Wait()
				began, runs := time.Now(), 0
				v, err = fleet[1].GetOrSet(t.Context(), "stuck", value("v", &runs))
				want(t, "GetOrSet after LoadTimeout", v, err, "v")
				if took := time.Since(began); took < 20*time.Second || took > 20*time.Second+350*time.Millisecond {
					t.Errorf("it took %v, want LoadTimeout, 20s", took)
				}
				close(stuck)
				wg.Wait()
				wantGet(t, fleet[1], "stuck", &v)
			})
		})
	}
}

// A process that has no room to load lets go of the lease, and another that has room
// loads. What is known already needs no room.
func TestG1NoLeaseWithoutRoom(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		busy := open(t, f.client(t), cache.Config[string, string]{MaxLoads: 1})
		idle := open(t, f.client(t), cache.Config[string, string]{MaxLoads: 1})
		release, runs := make(chan struct{}), 0
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := busy.GetOrSet(t.Context(), "long", func(context.Context, string) (string, error) {
				<-release
				return "long", nil
			})
			want(t, "GetOrSet that takes long", v, err, "long")
		})
		synctest.Wait()
		wg.Go(func() {
			v, err := busy.GetOrSet(t.Context(), "k", never[string](t))
			want(t, "GetOrSet without room", v, err, "v")
		})
		synctest.Wait()
		began := time.Now()
		v, err := idle.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet of a process with room", v, err, "v")
		if took := time.Since(began); took != 0 {
			t.Errorf("it waited %v", took)
		}
		if err := idle.SetAbsent(t.Context(), "absent"); err != nil {
			t.Fatal(err)
		}
		v, err = busy.GetOrSet(t.Context(), "absent", never[string](t))
		wantError(t, "GetOrSet of what is known not to exist, without room", v, err, cache.ErrNotFound)
		close(release)
		wg.Wait()
	})
}

// A caller that waits for another process does not ask at once again, and not much later either.
func TestG1FirstPause(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		fleet := openFleet(t, 2, f, cache.Config[string, string]{})
		learnScripts(t, fleet[0])
		var log commandLog
		log.keep(f, 0, 0)
		release := make(chan struct{})
		var wg sync.WaitGroup
		for _, c := range fleet {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { <-release; return "v", nil })
				want(t, "GetOrSet", v, err, "v")
			})
			synctest.Wait()
		}
		log.take()
		time.Sleep(1499 * time.Microsecond) // 2 ms, a quarter less for the jitter
		synctest.Wait()
		if got := log.take(); len(got) > 0 {
			t.Errorf("too early: %v", got)
		}
		time.Sleep(1001 * time.Microsecond)
		synctest.Wait()
		if got := log.take(); !slices.Equal(got, []string{"MGET"}) {
			t.Errorf("after 2.5 ms: %v, want one MGET", got)
		}
		close(release)
		wg.Wait()
	})
}
