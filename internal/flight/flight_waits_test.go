package flight

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A caller that leaves hears for what the function of its flight waits, or that of the
// flight which its own is to follow; one that leaves later hears nothing.
func TestLeaversHearForWhatTheFunctionWaits(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		why := errors.New("a turn")
		first := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			f.Waits(why)
			time.Sleep(10 * ms)
			f.Waits(nil)
			time.Sleep(10 * ms)
			return 1, nil
		})
		synctest.Wait()
		for name, call := range map[string]func(context.Context, string, Func[int]) (int, Outcome, error){"follower": g.Do, "refresh": g.Refresh} {
			for _, late := range []bool{false, true} {
				go func() {
					timeout := 5 * ms
					if late {
						timeout = 15 * ms
					}
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					defer cancel()
					_, _, err := call(ctx, key, stores(2, ms))
					left, _ := errors.AsType[*LeftError](err)
					if !errors.Is(err, context.DeadlineExceeded) || late != (left == nil) || left != nil && left.Waits != why {
						t.Errorf("a %s, late: %v, has the error %v", name, late, err)
					}
				}()
			}
		}
		want(t, "the first", <-first, 1, Led, nil)
	})
}
