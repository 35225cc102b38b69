package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// Whoever leads a load that panics sees the stack of its own call: where the
// loader panicked, the observer is told.
func TestObserverHearsWhereALoaderPanicked(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var rec recorder
		c := open(t, env.Client, cache.Config[string, string]{Observer: rec.observer()})
		func() {
			defer func() { _ = recover() }()
			_, _ = c.GetOrSet(t.Context(), "k", panickingLoader)
		}()
		if len(rec.loads) != 1 {
			t.Fatalf("%d load events, want 1", len(rec.loads))
		}
		e := rec.loads[0]
		if e.Outcome != cache.LoadPanicked || !errors.Is(e.Err, cache.ErrPanic) || !strings.Contains(e.Err.Error(), "panickingLoader") {
			t.Errorf("the event says %v, %v, want the stack with the loader", e.Outcome, e.Err)
		}
	})
}

func panickingLoader(context.Context, string) (string, error) { panic("oh") }
