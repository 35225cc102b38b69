package cache_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A commandLog lists the commands that arrive, scripts as one each.
type commandLog struct {
	mu       sync.Mutex
	commands []string
}

// keep makes the server write the log, and take request for each command.
func (l *commandLog) keep(f *faults, request, answer time.Duration) {
	f.delay(func(command string) time.Duration {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.commands = append(l.commands, command)
		return request
	}, func() time.Duration { return answer })
}

// take returns the commands since the last time.
func (l *commandLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.DeleteFunc(l.commands, func(c string) bool { return c == "HELLO" || c == "CLIENT" || c == "SCRIPT" })
	l.commands = nil
	return all
}

// Many callers of a key cost a few reads, whether there is a value or not.
func TestCrowd(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, person]{})
		runs := 0
		_, _ = c.GetOrSet(t.Context(), "other", value(bob, &runs)) // the server learns the scripts
		var log commandLog
		log.keep(f, 0, time.Millisecond)
		stampede := func(load func(context.Context, string) (person, error)) {
			t.Helper()
			log.take()
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					v, err := c.GetOrSet(t.Context(), "k", load)
					want(t, "GetOrSet", v, err, ann)
				})
			}
			wg.Wait()
		}
		stampede(func(context.Context, string) (person, error) { time.Sleep(time.Second / 2); return ann, nil })
		gets := slices.Repeat([]string{"GET"}, 8) // six for themselves, two for all others
		if got, want := log.take(), append([]string{"EVALSHA", "EVALSHA"}, gets...); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("a thousand callers of a missing key: %v, want %v", got, want)
		}
		c = open(t, f.client(t), cache.Config[string, person]{}) // one that has not met with misses only
		stampede(never[person](t))
		if got := log.take(); !slices.Equal(got, gets) {
			t.Errorf("a thousand callers of a key that is there: %v, want %v", got, gets)
		}
	})
}

// Without leases the callers that have found nothing look closely together, too.
func TestCrowdWithoutLeases(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: cache.Off})
		learnScripts(t, c)
		var log commandLog
		log.keep(f, 0, time.Millisecond)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { time.Sleep(time.Second / 2); return "v", nil })
				want(t, "GetOrSet", v, err, "v")
			})
		}
		wg.Wait()
		asked := make(map[string]int)
		for _, command := range log.take() {
			asked[command]++
		}
		if asked["GET"] != 8 || asked["MGET"] > 16 || asked["SET"] != 1 {
			t.Errorf("a thousand callers of a missing key: %v", asked)
		}
	})
}

// A caller that comes after a read was sent does not get what that has found.
func TestCrowdIsNotStale(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		if err := c.Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		f.slow(100 * time.Millisecond)
		var wg sync.WaitGroup
		for range 4 { // the last of them shares the read of whoever comes next
			wg.Go(func() {
				v, ok, err := c.Get(t.Context(), "k")
				if err != nil || !ok || v != "old" && v != "new" {
					t.Errorf("Get = %q, %v, %v", v, ok, err)
				}
			})
			synctest.Wait()
		}
		if err := env.Client.Set(t.Context(), "test:k", "new", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", never[string](t))
				want(t, "GetOrSet after the SET", v, err, "new")
			})
		}
		wg.Wait()
	})
}

// A caller that shares a read leaves at its own deadline, and waits for Redis no longer than
// any other.
func TestCrowdLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second})
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		f.freeze()
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				began, limit := time.Now(), time.Second
				ctx := t.Context()
				if i%2 == 0 {
					var cancel context.CancelFunc
					limit = time.Duration(i) * 5 * time.Millisecond
					ctx, cancel = context.WithTimeout(ctx, limit)
					defer cancel()
				}
				_, _, err := c.Get(ctx, "k")
				if took := time.Since(began); took > limit || err == nil {
					t.Errorf("Get took %v of %v, with the error %v", took, limit, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		f.thaw()
	})
}
