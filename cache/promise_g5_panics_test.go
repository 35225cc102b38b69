package cache_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

var errBoom = errors.New("boom")

// The caller whose loader it was gets the panic as it was; the others get an error
// that names it, with its stack; and the next call loads as if nothing had been.
func TestG5Panics(t *testing.T) {
	for name, test := range map[string]struct {
		end   func()
		check func(t *testing.T, r any)
		says  string
	}{
		"panic":               {func() { panic("a string") }, func(t *testing.T, r any) { want(t, "recover()", r, nil, any("a string")) }, "a string"},
		"panic with an error": {func() { panic(errBoom) }, func(t *testing.T, r any) { want(t, "recover()", r, nil, any(errBoom)) }, "boom"},
		"http.ErrAbortHandler": {func() { panic(http.ErrAbortHandler) }, func(t *testing.T, r any) {
			if r != any(http.ErrAbortHandler) {
				t.Errorf("recover() = %v, want http.ErrAbortHandler itself", r)
			}
		}, "abort Handler"},
		"panic(nil)": {func() { panic(nil) }, func(t *testing.T, r any) {
			if _, ok := r.(*runtime.PanicNilError); !ok {
				t.Errorf("recover() = %v, want a PanicNilError", r)
			}
		}, "nil"},
		"Goexit": {runtime.Goexit, func(t *testing.T, r any) { want(t, "recover()", r, nil, any(nil)) }, "Goexit"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				var r recorder
				c := open(t, env.Client, cache.Config[string, string]{Observer: r.observer(), MaxLoads: 1})
				release := make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() {
					returned := false
					defer func() {
						test.check(t, recover())
						if returned {
							t.Error("GetOrSet returned to the caller whose loader panicked")
						}
					}()
					_, _ = c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
						<-release
						test.end()
						return "", nil
					})
					returned = true
				})
				synctest.Wait()
				for range 3 {
					wg.Go(func() {
						v, err := c.GetOrSet(t.Context(), "k", never[string](t))
						wantError(t, "GetOrSet of a follower", v, err, cache.ErrPanic)
						if text := err.Error(); !strings.Contains(text, test.says) || !strings.Contains(text, "TestG5Panics") {
							t.Errorf("the error does not name the panic and its stack: %s", text)
						}
						if strings.HasPrefix(name, "panic with") && !errors.Is(err, errBoom) {
							t.Errorf("the error is not that of the panic: %v", err)
						}
					})
				}
				synctest.Wait()
				close(release)
				wg.Wait()
				if loads := r.take().loads; len(loads) != 1 || loads[0].Outcome != cache.LoadPanicked || loads[0].Callers != 4 {
					t.Errorf("load events %+v, want one of four callers that panicked", loads)
				}
				if s := c.Stats(); s.LoadErrors != 1 {
					t.Errorf("Stats().LoadErrors = %d, want 1", s.LoadErrors)
				}
				runs := 0
				v, err := c.GetOrSet(t.Context(), "k", value("v", &runs)) // the place under MaxLoads is free again
				want(t, "GetOrSet after the panic", v, err, "v")
			})
		})
	}
}

// A panic of an observer is contained, and told.
func TestG5PanicOfAnObserver(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		bad := cache.Observer{
			Lookup: func(context.Context, cache.LookupEvent) { panic("lookup") },
			Load:   func(context.Context, cache.LoadEvent) { panic("load") },
			Write:  func(context.Context, cache.WriteEvent) { panic("write") },
			Error:  func(context.Context, *cache.Error) { panic("error") },
		}
		c := open(t, env.Client, cache.Config[string, string]{Observer: cache.Join(bad, r.observer())})
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet", v, err, "v")
		events := r.take()
		if len(events.errors) != 3 || len(events.lookups) != 1 || len(events.loads) != 1 || len(events.writes) != 1 {
			t.Errorf("the second observer heard %d errors, %d lookups, %d loads, %d writes; want 3, 1, 1, 1",
				len(events.errors), len(events.lookups), len(events.loads), len(events.writes))
		}
		for _, e := range events.errors {
			if e.Kind != cache.ErrPanic || e.Op != "Observer" {
				t.Errorf("the observer heard %v", e)
			}
		}
	})
}
