package flight

import (
	"context"
	"testing"
	"testing/synctest"
)

// What OnCancel is given is called once when nobody waits any more, also if that was before.
func TestOnCancel(t *testing.T) {
	for name, late := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group[int]
				calls, never := make(chan struct{}, 2), func() { t.Error("it was taken back, and is called") }
				do := func() { calls <- struct{}{} }
				ctx, leave := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					_, _, _ = g.Do(ctx, "k", func(ctx context.Context, f *Flight[int]) (int, error) {
						defer close(ended)
						f.OnCancel(&never)
						f.OnCancel(nil)
						if !late {
							f.OnCancel(&do)
						}
						<-ctx.Done()
						if late {
							synctest.Wait()
							f.OnCancel(&do)
						}
						return 0, ctx.Err()
					})
				}()
				synctest.Wait()
				if len(calls) != 0 {
					t.Error("it is called while a caller waits")
				}
				leave()
				<-ended
				synctest.Wait()
				if n := len(calls); n != 1 {
					t.Errorf("%d calls, want one", n)
				}
				g.Close()
			})
		})
	}
}
