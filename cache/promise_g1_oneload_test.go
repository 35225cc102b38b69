package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

func TestG1OneLoadForAThousandCallers(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		c := open(t, env.Client, cache.Config[string, person]{Observer: r.observer()})
		runs := 0
		load := func(context.Context, string) (person, error) {
			runs++ // a second run would be a data race
			time.Sleep(50 * time.Millisecond)
			return ann, nil
		}
		const callers = 1000
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", load)
				want(t, "GetOrSet", v, err, ann)
			})
		}
		wg.Wait()
		if runs != 1 {
			t.Errorf("the loader ran %d times for %d callers, want once", runs, callers)
		}
		s := c.Stats()
		if s.Loads != 1 || s.Shared != callers-1 || s.Stores != 1 || s.Misses != callers {
			t.Errorf("Stats = %+v", s)
		}
		if loads := r.take().loads; len(loads) != 1 || loads[0].Callers != callers {
			t.Errorf("load events %+v, want one with %d callers", loads, callers)
		}
	})
}

// A caller looked before another's load was stored, and hears the answer after
// that load has ended: it must look again, not load.
func TestG1NoLoadForAKeyJustFilled(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, person]{})
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (person, error) {
				<-release
				return ann, nil
			})
			want(t, "GetOrSet of the first", v, err, ann)
		})
		synctest.Wait() // in the loader
		f.slow(100 * time.Millisecond)
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", never[person](t))
			want(t, "GetOrSet of the second", v, err, ann)
		})
		time.Sleep(450 * time.Millisecond) // to the answer of its closer look, by way of two greetings
		f.slow(0)
		close(release)
		wg.Wait()
	})
}

// The same under random delays: whoever comes when, a key that nobody writes is
// loaded once.
func TestG1OneLoadUnderRandomDelays(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f, random := newFaults(t, env), newDice(seed)
				f.delay(func(string) time.Duration { return random.below(5) }, func() time.Duration { return random.below(10) })
				c := open(t, f.client(t), cache.Config[string, string]{})
				var runs int
				var wg sync.WaitGroup
				for range 30 {
					wg.Go(func() {
						time.Sleep(random.below(60))
						v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
							runs++
							time.Sleep(random.below(20))
							return "v", nil
						})
						want(t, "GetOrSet", v, err, "v")
					})
				}
				wg.Wait()
				if runs != 1 {
					t.Errorf("%d loads, want one", runs)
				}
			})
		})
	}
}

func TestG1HitsDoNotWaitForAFlight(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, person]{})
		if err := c.Set(t.Context(), "k", ann); err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := c.Refresh(t.Context(), "k", func(context.Context, string) (person, error) {
				<-release
				return bob, nil
			})
			want(t, "Refresh", v, err, bob)
		})
		synctest.Wait()
		began := time.Now()
		v, err := c.GetOrSet(t.Context(), "k", never[person](t))
		want(t, "GetOrSet during a refresh", v, err, ann)
		wantGet(t, c, "k", &ann)
		if d := time.Since(began); d != 0 {
			t.Errorf("two hits waited for %v", d)
		}
		close(release)
		wg.Wait()
		wantGet(t, c, "k", &bob)
	})
}

// Keys do not wait for each other.
func TestG1OtherKeysLoadAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[int, string]{})
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), i, func(_ context.Context, key int) (string, error) {
					time.Sleep(time.Second)
					return fmt.Sprint(key), nil
				})
				want(t, "GetOrSet", v, err, fmt.Sprint(i))
			})
		}
		wg.Wait()
		if d := time.Since(began); d != time.Second {
			t.Errorf("20 loads of a second took %v, want a second", d)
		}
	})
}

// dice are random numbers that many goroutines may throw.
type dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rnd: rand.New(rand.NewPCG(seed, 0))} }

func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}

// below returns less than so many milliseconds.
func (d *dice) below(ms int) time.Duration {
	return time.Duration(d.n(ms*1000)) * time.Microsecond
}
