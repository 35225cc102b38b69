package protocol

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// The context of a loader ends like one of context.WithTimeout, whenever it is looked at.
func TestLoadContext(t *testing.T) {
	type key struct{}
	for name, tt := range map[string]struct {
		end  func(c *loadContext, cancel context.CancelFunc)
		want error
	}{
		"the deadline":        {func(c *loadContext, _ context.CancelFunc) { time.Sleep(time.Minute); c.expire() }, context.DeadlineExceeded},
		"and then the flight": {func(c *loadContext, cancel context.CancelFunc) { time.Sleep(time.Minute); c.expire(); cancel() }, context.DeadlineExceeded},
		"the flight":          {func(_ *loadContext, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"the loader":          {func(c *loadContext, _ context.CancelFunc) { c.end() }, context.Canceled},
	} {
		for _, early := range []bool{true, false} { // when it is looked at
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					flight, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
					defer cancel()
					c := &loadContext{Context: flight, deadline: time.Now().Add(time.Minute)}
					defer c.end()
					if deadline, ok := c.Deadline(); !ok || time.Until(deadline) != time.Minute {
						t.Errorf("deadline %v, %v", deadline, ok)
					}
					var child context.Context = c
					if early {
						before := runtime.NumGoroutine()
						var stop context.CancelFunc
						child, stop = context.WithTimeout(c, time.Hour)
						defer stop()
						if n := runtime.NumGoroutine(); n != before {
							t.Errorf("%d goroutines more for a context made of it", n-before)
						}
					}
					if err := c.Err(); err != nil || c.Value(key{}) != "v" || child.Err() != nil {
						t.Errorf("at first: %v, %v, %v", err, child.Err(), c.Value(key{}))
					}
					tt.end(c, cancel)
					synctest.Wait()
					select {
					case <-child.Done():
					default:
						t.Error("it is not done")
					}
					select {
					case <-c.Done():
					default:
						t.Error("its channel is open")
					}
					if err := c.Err(); err != tt.want || child.Err() != tt.want {
						t.Errorf("it has ended with %v, and one made of it with %v; want %v", err, child.Err(), tt.want)
					}
				})
			})
		}
	}
}
