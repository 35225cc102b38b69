package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

type traceKey struct{}

// The first caller leaves; the load goes on for the second, with the first one's
// values and without its deadline.
func TestG4LeaderThatLeavesFailsNobody(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		load := func(ctx context.Context, _ string) (string, error) {
			if ctx.Value(traceKey{}) != "first" {
				t.Errorf("the load has the values of %v, want those of the first caller", ctx.Value(traceKey{}))
			}
			deadline, ok := ctx.Deadline()
			if left := time.Until(deadline); !ok || left != 30*time.Second {
				t.Errorf("the load may take %v, want LoadTimeout", left)
			}
			select {
			case <-time.After(time.Second):
				return "v", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "first"), 10*time.Millisecond)
			defer cancel()
			v, err := c.GetOrSet(ctx, "k", load)
			wantError(t, "GetOrSet of the first", v, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		wg.Go(func() {
			v, err := c.GetOrSet(context.WithValue(t.Context(), traceKey{}, "second"), "k", never[string](t))
			want(t, "GetOrSet of the second", v, err, "v")
		})
		wg.Wait()
		wantGet(t, c, "k", &[]string{"v"}[0])
	})
}

func TestG4CancelledWhenNobodyWaits(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		var ended time.Duration
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				defer cancel()
				_, err := c.GetOrSet(ctx, "k", func(ctx context.Context, _ string) (string, error) {
					<-ctx.Done()
					ended = time.Since(began)
					time.Sleep(time.Minute) // takes its time to return
					return "from a load that was cancelled", nil
				})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("GetOrSet: %v", err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if ended != 3*time.Second {
			t.Errorf("the load was cancelled after %v, want after the last caller's 3s", ended)
		}
		wantGet(t, c, "k", nil)

		// The key is free at once, even though the load has not returned.
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
		want(t, "GetOrSet", v, err, "v")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the next load had to wait for the cancelled one for %v", took-3*time.Second)
		}
		time.Sleep(2 * time.Minute)
		wantGet(t, c, "k", &v)
	})
}

func TestG4LoadTimeout(t *testing.T) {
	for name, load := range map[string]func(context.Context, string) (string, error){
		"heedful":  func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		"stubborn": func(context.Context, string) (string, error) { time.Sleep(time.Minute); return "late", nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{LoadTimeout: 2 * time.Second})
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						began := time.Now()
						v, err := c.GetOrSet(t.Context(), "k", load)
						wantError(t, "GetOrSet", v, err, context.DeadlineExceeded)
						if took := time.Since(began); took != 2*time.Second {
							t.Errorf("GetOrSet took %v, want LoadTimeout", took)
						}
					})
				}
				wg.Wait()
				time.Sleep(2 * time.Minute) // what comes late is dropped
				wantGet(t, c, "k", nil)
			})
		})
	}
}
