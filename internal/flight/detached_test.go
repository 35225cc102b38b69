package flight

import (
	"context"
	"errors"
	"testing"
)

// The detached context of a flight has the values of the function's, and no end, whatever ends the
// flight and the caller.
func TestDetached(t *testing.T) {
	type key struct{}
	var g Group[int]
	caller, leave := context.WithCancelCause(context.WithValue(t.Context(), key{}, "v"))
	var detached context.Context
	_, _, err := g.Do(caller, "k", func(ctx context.Context, f *Flight[int]) (int, error) {
		detached = f.Detached()
		if detached.Value(key{}) != "v" || !g.Obtaining(detached, "k") || !g.Obtaining(ctx, "k") {
			t.Errorf("value %v; obtaining %v, and %v by the bounded one",
				detached.Value(key{}), g.Obtaining(detached, "k"), g.Obtaining(ctx, "k"))
		}
		leave(errors.New("gone"))
		<-ctx.Done()
		return 0, nil
	})
	if err != context.Canceled {
		t.Errorf("error %v of a caller that has left", err)
	}
	g.Close()
	child, cancel := context.WithCancel(detached)
	defer cancel()
	_, ends := detached.Deadline()
	for _, ctx := range []context.Context{detached, child} {
		if ctx.Err() != nil || context.Cause(ctx) != nil || ends {
			t.Errorf("it has ended: %v, %v, %v", ctx.Err(), context.Cause(ctx), ends)
		}
	}
	if g.Obtaining(detached, "k") {
		t.Error("a flight that has ended is under way")
	}
}
