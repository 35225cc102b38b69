package flight

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		began := time.Now()
		ended := time.Duration(0)
		leader := do(t.Context(), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			<-ctx.Done()
			time.Sleep(3 * ms)
			ended = time.Since(began)
			return 1, nil
		})
		synctest.Wait()
		follower := do(t.Context(), g, key, never(t))
		waiting := refresh(t.Context(), g, key, never(t))
		synctest.Wait()
		behind := refresh(t.Context(), g, key, never(t))
		time.Sleep(ms)
		closed := make(chan time.Duration, 2)
		for range 2 {
			go func() {
				g.Close()
				closed <- time.Since(began)
			}()
		}
		for what, c := range map[string]<-chan answer{"leader": leader, "refresh": waiting} {
			a := <-c
			want(t, what, a, 0, Led, ErrClosed)
			wantAfter(t, what, a, ms)
		}
		for what, c := range map[string]<-chan answer{"follower": follower, "behind": behind} {
			want(t, what, <-c, 0, Shared, ErrClosed)
		}
		for range 2 {
			if at := <-closed; at != 4*ms || ended != 4*ms {
				t.Errorf("closed after %v, the function ended after %v", at, ended)
			}
		}
		want(t, "Do", <-do(t.Context(), g, key, never(t)), 0, Led, ErrClosed)
		want(t, "Refresh", <-refresh(t.Context(), g, key, never(t)), 0, Led, ErrClosed)
	})
}

// A store that is under way is completed, and Close waits for it.
func TestCloseDoesNotDisturbAStore(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		began := time.Now()
		leader := do(t.Context(), g, key, func(ctx context.Context, f *Flight[int]) (int, error) {
			f.SealStore()
			time.Sleep(3 * ms)
			return 1, ctx.Err()
		})
		synctest.Wait()
		waiting := refresh(t.Context(), g, key, never(t))
		time.Sleep(ms)
		g.Close()
		if at := time.Since(began); at != 3*ms {
			t.Errorf("closed after %v", at)
		}
		a := <-waiting
		want(t, "refresh", a, 0, Led, ErrClosed)
		wantAfter(t, "refresh", a, ms)
		want(t, "leader", <-leader, 1, Led, nil)
	})
}
