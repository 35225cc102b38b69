package flight

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func explode(value any) { panic(value) }

func TestPanic(t *testing.T) {
	isNil := func(v any) bool { _, ok := v.(*runtime.PanicNilError); return ok }
	for _, test := range []struct {
		name  string
		fail  func()
		value func(any) bool // of the panic; nil: Goexit
		text  string
		cause error
	}{
		{"value", func() { explode("boom") }, func(v any) bool { return v == "boom" }, "the function panicked: boom", nil},
		{"error", func() { explode(io.EOF) }, func(v any) bool { return v == io.EOF }, "the function panicked: EOF", io.EOF},
		{"nil", func() { explode(nil) }, isNil, "the function panicked: panic called with nil", nil},
		{"Goexit", runtime.Goexit, nil, "the function called runtime.Goexit", nil},
	} {
		for _, gone := range []bool{false, true} {
			name := test.name + ", leader waits"
			if gone {
				name = test.name + ", leader gone"
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, g *Group[int]) {
					timeout := time.Second
					if gone {
						timeout = ms
					}
					leader := do(within(t, timeout), g, key, func(context.Context, *Flight[int]) (int, error) {
						time.Sleep(2 * ms)
						test.fail()
						return 1, nil
					})
					synctest.Wait()
					follower := do(t.Context(), g, key, never(t))

					switch a := <-leader; {
					case gone:
						want(t, "leader", a, 0, Led, context.DeadlineExceeded)
					case test.value == nil && !a.exited:
						t.Errorf("the leader did not exit: %+v", a)
					case test.value != nil && (a.exited || !test.value(a.panicked)):
						t.Errorf("the leader did not panic: %+v", a)
					}
					a := <-follower
					var e *PanicError
					if !errors.As(a.err, &e) || a.outcome != Shared || a.value != 0 {
						t.Fatalf("follower: %+v", a)
					}
					if !strings.HasPrefix(e.Error(), test.text) || errors.Unwrap(e) != test.cause && test.cause != nil {
						t.Errorf("%q, %v", e.Error(), errors.Unwrap(e))
					}
					if !strings.Contains(e.Stack, "flight.TestPanic") {
						t.Errorf("the stack does not show the function:\n%s", e.Stack)
					}
				})
			})
		}
	}
}

// A function that panics while it stores must not hold up writes.
func TestPanicEndsTheStore(t *testing.T) {
	bubble(t, func(t *testing.T, g *Group[int]) {
		leader := do(t.Context(), g, key, func(_ context.Context, f *Flight[int]) (int, error) {
			f.SealStore()
			time.Sleep(2 * ms)
			panic("boom")
		})
		synctest.Wait()
		write, w := fence(t.Context(), g, key)
		a := <-write
		want(t, "write", a, 0, 0, nil)
		wantAfter(t, "write", a, 2*ms)
		w.End()
		if a := <-leader; a.panicked != "boom" {
			t.Errorf("leader: %+v", a)
		}
	})
}
