package cache_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// Every way in which a load can end leaves the key without a lease, so that another
// process can load at once, and nothing stored that should not be.
func TestEveryEndOfALoad(t *testing.T) {
	type entry = loader.Entry[string]
	const asked = 10 * time.Second // after which the caller leaves
	for name, test := range map[string]struct {
		load  func(ctx context.Context) (entry, error)
		after string // what the control key holds then
		value string // and the value key
	}{
		"value":          {load: func(context.Context) (entry, error) { return entry{Value: "v"}, nil }, value: "v"},
		"empty value":    {load: func(context.Context) (entry, error) { return entry{}, nil }},
		"error":          {load: func(context.Context) (entry, error) { return entry{}, errBoom }},
		"ErrNotFound":    {load: func(context.Context) (entry, error) { return entry{}, cache.ErrNotFound }, after: "N"},
		"NoStore":        {load: func(context.Context) (entry, error) { return entry{Value: "v", NoStore: true}, nil }},
		"life that ends": {load: func(context.Context) (entry, error) { return entry{Value: "v", TTL: -time.Second}, nil }},
		"panic":          {load: func(context.Context) (entry, error) { panic("boom") }},
		"Goexit":         {load: func(context.Context) (entry, error) { runtime.Goexit(); return entry{}, nil }},
		"caller that leaves": {load: func(ctx context.Context) (entry, error) {
			<-ctx.Done()
			return entry{}, ctx.Err()
		}},
		"caller that leaves a deaf loader": {load: func(context.Context) (entry, error) {
			time.Sleep(2 * asked)
			return entry{Value: "too late"}, nil
		}},
		"LoadTimeout": {load: func(ctx context.Context) (entry, error) {
			time.Sleep(5 * time.Second)
			return entry{Value: "too late"}, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				cfg := cache.Config[string, string]{}
				if name == "LoadTimeout" {
					cfg.LoadTimeout = time.Second
				}
				c, another := open(t, env.Client, cfg), open(t, env.Client, cfg)
				held := make(chan string, 1)
				returned := make(chan struct{})
				go func() {
					defer close(returned)
					defer func() { _ = recover() }()
					ctx, cancel := context.WithTimeout(t.Context(), asked)
					defer cancel()
					_, _ = c.GetOrSetEntry(ctx, "k", func(ctx context.Context, _ string) (entry, error) {
						held <- env.Client.Get(t.Context(), control("test:k")).Val()
						return test.load(ctx)
					})
				}()
				<-returned
				synctest.Wait()
				if lease := <-held; len(lease) != 17 || lease[0] != 'L' {
					t.Errorf("during the load the control key held %q", lease)
				}
				if got := env.Client.Get(t.Context(), control("test:k")).Val(); got != test.after {
					t.Errorf("after the load the control key holds %q, want %q", got, test.after)
				}
				if got := env.Client.Get(t.Context(), "test:k").Val(); got != test.value {
					t.Errorf("after the load the value key holds %q, want %q", got, test.value)
				}
				began, runs := time.Now(), 0
				v, err := another.Refresh(t.Context(), "k", value("next", &runs))
				want(t, "Refresh by another process", v, err, "next")
				if took := time.Since(began); took != 0 {
					t.Errorf("the next load had to wait %v", took)
				}
				time.Sleep(time.Minute)
				wantGet(t, c, "k", &v)
			})
		})
	}
}

// A load of a refresh ends at the moment of its LoadTimeout, and its store is refused: what the
// timeout ends is the lease of that load, and not the one of the next.
func TestRefreshLoadEndsWithItsTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		const timeout = 10 * time.Millisecond
		c := open(t, env.Client, cache.Config[string, string]{LoadTimeout: timeout})
		another := open(t, env.Client, cache.Config[string, string]{})
		for range 300 {
			loads := 0
			v, err := c.Refresh(t.Context(), "k", func(ctx context.Context, key string) (string, error) {
				if loads++; loads == 1 {
					if err := another.Delete(t.Context(), key); err != nil {
						t.Error(err)
					}
					time.Sleep(timeout)
				}
				return "v", nil
			})
			switch {
			case errors.Is(err, context.DeadlineExceeded): // the load was the later one
			case v != "v" || err != nil || loads != 2:
				t.Errorf("Refresh = %q, %v after %d loads", v, err, loads)
			}
			synctest.Wait()
		}
	})
}

// LoadTimeout ends a load whose lease was gone, as renewals had found out, before it began.
func TestLoadTimeoutWithoutItsLease(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		const timeout = 5 * time.Second
		cfg := cache.Config[string, string]{LoadTimeout: timeout, Lease: 300 * time.Millisecond}
		cfg.Observer.StartLoad = func(ctx context.Context, _ cache.LoadStart) context.Context {
			env.Client.Del(ctx, control("test:k"))
			time.Sleep(time.Second)
			return ctx
		}
		c := open(t, env.Client, cfg)
		began := time.Now()
		_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
			time.Sleep(time.Minute) // whatever its context says
			return "v", nil
		})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != timeout {
			t.Errorf("GetOrSet took %v, want LoadTimeout, %v: %v", took, timeout, err)
		}
	})
}

// A refresh that fails leaves "does not exist" as it was, with the life it had.
func TestRefreshThatFailsKeepsAbsence(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		if err := c.SetAbsent(t.Context(), "k", cache.TTL(time.Hour)); err != nil {
			t.Fatal(err)
		}
		v, err := c.Refresh(t.Context(), "k", func(context.Context, string) (string, error) {
			time.Sleep(10 * time.Second)
			return "", errBoom
		})
		wantError(t, "Refresh", v, err, errBoom)
		if e := wantState(t, c, "k", cache.Absent); e.TTL > time.Hour-10*time.Second || e.TTL < 50*time.Minute {
			t.Errorf("its life is %v, want an hour less a tenth at most, and less the time of the load", e.TTL)
		}
	})
}

// The same where that is as long as the lease, to the millisecond.
func TestRefreshThatFailsKeepsAbsenceOfALease(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Lease: time.Second, Jitter: -1})
		if err := c.SetAbsent(t.Context(), "k", cache.TTL(time.Second)); err != nil {
			t.Fatal(err)
		}
		v, err := c.Refresh(t.Context(), "k", failing[string](errBoom))
		wantError(t, "Refresh", v, err, errBoom)
		wantState(t, c, "k", cache.Absent)
	})
}

// Redis fails at the store, and nobody can say whether the result is older than a
// write elsewhere: it is for those that came before the load began.
func TestStoreThatIsNotAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" || command == "EVAL" {
				return 10 * time.Millisecond
			}
			return 0
		}, nil)
		c := open(t, f.client(t), cache.Config[string, string]{})
		release := make(chan struct{})
		answers := map[string]chan string{"leader": nil, "early": nil, "late": nil}
		ask := func(who string, load loader.Func[string, string]) {
			answer := make(chan string, 1)
			answers[who] = answer
			go func() {
				v, err := c.GetOrSet(t.Context(), "k", load)
				if err != nil {
					v = err.Error()
				}
				answer <- v
			}()
			time.Sleep(5 * time.Millisecond) // the lease is granted after 20 ms and more
		}
		ask("leader", func(context.Context, string) (string, error) { <-release; return "first", nil })
		ask("early", never[string](t))
		time.Sleep(100 * time.Millisecond)
		ask("late", func(context.Context, string) (string, error) { return "second", nil })
		f.refuse(true)
		close(release)
		for who, wanted := range map[string]string{"leader": "first", "early": "first", "late": "second"} {
			if got := <-answers[who]; got != wanted {
				t.Errorf("%s got %q, want %q", who, got, wanted)
			}
		}
		f.refuse(false)
		time.Sleep(time.Minute) // go-redis goes on dialling for a while
	})
}

// Processes meet an entry that none can decode: one of them loads, also if another
// has seen the entry before, and asks for the lease only after it has healed.
func TestBrokenEntryHealsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		fleet := openFleet(t, 3, f, cache.Config[string, int]{RedisTimeout: time.Hour})
		if err := env.Client.Set(t.Context(), "test:k", "no number", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		var late time.Duration
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" {
				return late
			}
			return 0
		}, nil)
		var wg sync.WaitGroup
		ask := func(c *cache.Cache[string, int], load loader.Func[string, int]) {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", load)
				want(t, "GetOrSet", v, err, 7)
			})
			synctest.Wait()
		}
		late = time.Minute
		ask(fleet[0], never[int](t))
		late = 0
		ask(fleet[1], func(context.Context, string) (int, error) { time.Sleep(time.Second); return 7, nil })
		ask(fleet[2], never[int](t))
		wg.Wait()
	})
}
