package cache_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

const (
	ownLease = 3 * time.Second // the default
	aPoll    = 400 * time.Millisecond
	nobody   = "L0123456789abcdef" // the lease of a process that is dead
)

// waiting returns a context with a deadline that only a caller meets which waits in vain.
func waiting(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func forge(t testing.TB, env *redistest.Env, key, lease string, life time.Duration) {
	t.Helper()
	if err := env.Client.Set(t.Context(), control(key), lease, life).Err(); err != nil {
		t.Fatal(err)
	}
}

// A dead process's lease may have any life: its server's clock has gone back since, or
// somebody has made it up. A caller that waits for it waits no longer than for one of its own.
func TestLeaseOfTheDeadIsWaitedForNoLongerThanTheOwn(t *testing.T) {
	for what, life := range map[string]time.Duration{"an hour": time.Hour, "ten years": 10 * 365 * 24 * time.Hour, "a little more": ownLease + time.Second} {
		for name, call := range map[string]func(ctx context.Context, t *testing.T, c *cache.Cache[string, string], runs *int) error{
			"GetOrSet": func(ctx context.Context, t *testing.T, c *cache.Cache[string, string], runs *int) error {
				v, err := c.GetOrSet(ctx, "k", value("v", runs))
				want(t, "GetOrSet", v, err, "v")
				return err
			},
			"Refresh": func(ctx context.Context, t *testing.T, c *cache.Cache[string, string], runs *int) error {
				v, err := c.Refresh(ctx, "k", value("v", runs))
				want(t, "Refresh", v, err, "v")
				return err
			},
			"GetOrSetMany": func(ctx context.Context, t *testing.T, c *cache.Cache[string, string], runs *int) error {
				got, err := c.GetOrSetMany(ctx, []string{"k", "other"}, func(_ context.Context, keys []string) (map[string]string, error) {
					*runs++
					values := map[string]string{}
					for _, key := range keys {
						values[key] = "v" + key
					}
					return values, nil
				})
				wantKeys(t, "GetOrSetMany", got, err, "k", "other")
				*runs-- // of the other key
				return err
			},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := open(t, env.Client, cache.Config[string, string]{})
					forge(t, env, "test:k", nobody, life)
					began, runs := time.Now(), 0
					_ = call(waiting(t), t, c, &runs)
					if took := time.Since(began); runs != 1 || took < ownLease || took > ownLease+aPoll {
						t.Errorf("%d loads in %v, want one after %v", runs, took, ownLease)
					}
					if got := env.Client.Get(t.Context(), "test:k").Val(); !strings.HasPrefix(got, "v") {
						t.Errorf("%q is stored", got)
					}
				})
			})
		}
	}
}

// The same where Redis is asked by other commands, and the lease stands beside a value that is
// broken, or carries a mark.
func TestLeaseOfTheDeadBesideOtherThings(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		hashes := open(t, env.Client, cache.Config[string, map[string]string]{Name: "hash", Codec: testcache.BigHash{}})
		forge(t, env, "hash:k", nobody, time.Hour)
		numbers := open(t, env.Client, cache.Config[string, int]{Name: "number", Codec: codec.Text[int]()})
		env.Client.Set(t.Context(), "number:k", "broken", time.Hour)
		forge(t, env, "number:k", nobody, time.Hour)
		absences := open(t, env.Client, cache.Config[string, string]{Name: "absent"})
		forge(t, env, "absent:k", nobody+"N", time.Hour)
		began, runs := time.Now(), 0
		var all sync.WaitGroup
		all.Go(func() {
			loaded := map[string]string{"a": "b"}
			v, err := hashes.GetOrSet(waiting(t), "k", func(context.Context, string) (map[string]string, error) { return loaded, nil })
			want(t, "GetOrSet of a hash", v, err, loaded)
		})
		all.Go(func() {
			v, err := numbers.GetOrSet(waiting(t), "k", func(context.Context, string) (int, error) { return 1, nil })
			want(t, "GetOrSet of what is broken", v, err, 1)
		})
		all.Go(func() {
			v, err := absences.Refresh(waiting(t), "k", value("v", &runs))
			want(t, "Refresh of what does not exist", v, err, "v")
		})
		all.Wait()
		if took := time.Since(began); took > ownLease+aPoll {
			t.Errorf("it took %v, want %v", took, ownLease)
		}
	})
}

// The clock goes back, or the lease loses its TTL, while a caller waits already.
func TestLeaseOfTheDeadWhenTheClockGoesBack(t *testing.T) {
	for what, jump := range map[string]func(t *testing.T, env *redistest.Env, key string){
		"an hour back": func(_ *testing.T, env *redistest.Env, key string) { env.Mini.SetTTL(key, env.Mini.TTL(key)+time.Hour) },
		"no TTL":       func(t *testing.T, env *redistest.Env, key string) { env.Client.Persist(t.Context(), key) },
	} {
		for _, many := range []bool{false, true} {
			t.Run(what+map[bool]string{true: ", many"}[many], func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := open(t, env.Client, cache.Config[string, string]{})
					forge(t, env, "test:k", nobody, ownLease)
					time.AfterFunc(time.Second, func() { jump(t, env, control("test:k")) })
					began, runs := time.Now(), 0
					if many {
						l := ledger{takes: time.Millisecond}
						got, err := c.GetOrSetMany(waiting(t), []string{"k"}, l.many)
						wantKeys(t, "GetOrSetMany", got, err, "k")
					} else {
						v, err := c.GetOrSet(waiting(t), "k", value("v", &runs))
						want(t, "GetOrSet", v, err, "v")
					}
					if took := time.Since(began); took > 2*ownLease+aPoll {
						t.Errorf("it took %v, want two leases at most", took)
					}
				})
			})
		}
	}
}

// Callers that are in a hurry wait for it together, one after the other.
func TestLeaseOfTheDeadUnderShortDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		forge(t, env, "test:k", nobody, time.Hour)
		failed, runs := 0, 0
		for began := time.Now(); runs == 0 && time.Since(began) < time.Minute; {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := c.GetOrSet(ctx, "k", value("v", &runs)); err != nil {
				failed++
			}
			cancel()
		}
		if failed > 3 {
			t.Errorf("%d calls with a deadline of a second failed, want three", failed)
		}
	})
}

// A process that lives keeps its lease while it loads: under a clock that goes back, and
// among processes whose Lease is shorter, by less than a factor of three.
func TestLeaseOfTheLivingIsNotCutShort(t *testing.T) {
	for what, tt := range map[string]struct {
		lease time.Duration
		jump  bool
	}{"clock that goes back": {ownLease, true}, "longer lease": {8 * time.Second, false}, "shorter lease": {time.Second, false}} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				holder := open(t, env.Client, cache.Config[string, string]{Lease: tt.lease, LoadTimeout: time.Hour})
				another := open(t, env.Client, cache.Config[string, string]{})
				loading := make(chan struct{})
				var all sync.WaitGroup
				all.Go(func() {
					v, err := holder.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
						close(loading)
						time.Sleep(time.Minute)
						return "v", nil
					})
					want(t, "GetOrSet of the holder", v, err, "v")
				})
				<-loading
				if tt.jump {
					time.AfterFunc(5*time.Second, func() { env.Mini.SetTTL(control("test:k"), time.Hour) })
				}
				v, err := another.GetOrSet(t.Context(), "k", never[string](t))
				want(t, "GetOrSet of another", v, err, "v")
				all.Wait()
				if got := env.Client.Get(t.Context(), "test:k").Val(); got != "v" {
					t.Errorf("%q is stored", got)
				}
			})
		})
	}
}

// Beyond that factor a living process loses its lease, and then what it loads is not stored
// over what another has loaded since.
func TestLeaseOfTheLivingThatIsMuchLonger(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		holder := open(t, env.Client, cache.Config[string, string]{Lease: time.Minute, LoadTimeout: time.Hour})
		another := open(t, env.Client, cache.Config[string, string]{})
		loading := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			v, err := holder.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
				close(loading)
				time.Sleep(15 * time.Second)
				return "older", nil
			})
			want(t, "GetOrSet of the holder", v, err, "older")
		})
		<-loading
		runs := 0
		v, err := another.GetOrSet(waiting(t), "k", value("newer", &runs))
		want(t, "GetOrSet of another", v, err, "newer")
		all.Wait()
		wantGet(t, another, "k", &v)
	})
}

// On real servers, too, such a lease is waited for until it ends, and not for ever.
func TestForgedLease(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			t.Skip("its time stands still")
		}
		c := open(t, env.Client, cache.Config[string, string]{Lease: 100 * time.Millisecond})
		for _, key := range []string{"k", "a", "b"} {
			forge(t, env, "test:"+key, nobody, time.Hour)
		}
		ctx := waiting(t)
		runs := 0
		v, err := c.GetOrSet(ctx, "k", value("v", &runs))
		want(t, "GetOrSet", v, err, "v")
		l := ledger{}
		got, err := c.GetOrSetMany(ctx, []string{"a", "b"}, l.many)
		wantKeys(t, "GetOrSetMany", got, err, "a", "b")
	})
}
