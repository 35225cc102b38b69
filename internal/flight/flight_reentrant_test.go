package flight

import (
	"context"
	"testing"
	"time"
)

// A function that asks for its own key, or for one that waits for it, gets an error
// in place of a deadlock.
func TestReentrant(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		again := func(ctx context.Context, _ *Flight[int]) (int, error) {
			for _, call := range []func(context.Context, string, Func[int]) (int, Outcome, error){g.Do, g.Refresh} {
				if _, outcome, err := call(ctx, "a", never(t)); err != ErrReentrant || outcome != Led {
					t.Errorf("outcome %d, error %v", outcome, err)
				}
			}
			if !g.Obtaining(ctx, "a") || g.Obtaining(ctx, "another key") {
				t.Error("it is not known which key is being obtained")
			}
			return 1, nil
		}
		nested := func(ctx context.Context, _ *Flight[int]) (int, error) {
			v, _, err := g.Do(ctx, "b", again)
			return v, err
		}
		want(t, "direct", <-do(t.Context(), g, "a", again), 1, Led, nil)
		want(t, "nested", <-do(t.Context(), g, "a", nested), 1, Led, nil)
	})
}

func TestNotReentrant(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		other := new(Group[int])
		var kept context.Context
		outer := do(t.Context(), g, key, func(ctx context.Context, _ *Flight[int]) (int, error) {
			kept = ctx
			v, _, err := other.Do(ctx, key, func(ctx context.Context, _ *Flight[int]) (int, error) {
				v, _, err := g.Do(ctx, "another key", stores(1, ms))
				return v, err
			})
			return v, err
		})
		want(t, "another group, another key", <-outer, 1, Led, nil)
		want(t, "after the end", <-do(revived(t, kept), g, key, stores(2, ms)), 2, Led, nil)
		checkIdle(t, other)
	})
}

// revived gives the values of an ended context to a new one.
func revived(t *testing.T, ctx context.Context) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	t.Cleanup(cancel)
	return ctx
}
