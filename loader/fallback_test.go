package loader_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

func TestFallback(t *testing.T) {
	notFound := fmt.Errorf("user 7: %w", loader.ErrNotFound)
	errAlso := errors.New("connection refused")
	tests := []struct {
		name  string
		srcs  []*source
		value string
		err   error // as it was
		asked int
	}{
		{"the first answers", []*source{{value: "a"}, {value: "b"}}, "a", nil, 1},
		{"the second answers", []*source{{err: errDown}, {value: "b"}, {value: "c"}}, "b", nil, 2},
		{"a zero value is an answer", []*source{{}, {value: "b"}}, "", nil, 1},
		{"not found is an answer", []*source{{err: notFound}, {value: "b"}}, "", notFound, 1},
		{"not found after a failure", []*source{{err: errDown}, {err: notFound}, {value: "c"}}, "", notFound, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var fns []loader.Func[int, string]
			for _, src := range tt.srcs {
				fns = append(fns, src.Get)
			}
			v, err := loader.Fallback(fns...)(t.Context(), 7)
			if v != tt.value || err != tt.err {
				t.Errorf("got %q, %v; want %q, %v", v, err, tt.value, tt.err)
			}
			for i, src := range tt.srcs {
				if want := i < tt.asked; (src.calls == 1) != want {
					t.Errorf("source %d was asked %d times, wanted: %v", i+1, src.calls, want)
				}
			}
		})
	}

	t.Run("none answers", func(t *testing.T) {
		fn := loader.Fallback((&source{err: errDown}).Get, (&source{err: errAlso}).Get)
		_, err := fn(t.Context(), 7)
		if !errors.Is(err, errDown) || !errors.Is(err, errAlso) || errors.Is(err, loader.ErrNotFound) {
			t.Errorf("%v: want the errors of both sources", err)
		}
		want := "loader: source 1 of 2: source is down\nloader: source 2 of 2: connection refused"
		if err.Error() != want {
			t.Errorf("text %q, want %q", err, want)
		}
	})
}

func TestFallbackEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := &source{err: errDown}
		_, err := loader.Fallback(first.Get, hang, untouched(t))(ctx, 7)
		if !errors.Is(err, errDown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: want the errors of both that were asked", err)
		}
	})
}

// What timed out inside does not end the fallback.
func TestFallbackFromASlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fn := loader.Fallback(loader.Timeout(hang, time.Second), (&source{value: "ann"}).Get)
		v, err := fn(t.Context(), 7)
		if took := time.Since(start); v != "ann" || err != nil || took != time.Second {
			t.Errorf("got %q, %v after %v; want ann after 1s", v, err, took)
		}
	})
}

func TestFallbackDoesNotRepairAPanic(t *testing.T) {
	defer func() {
		if r := recover(); r != errDown {
			t.Errorf("recovered %v, want the panic as it was", r)
		}
	}()
	broken := func(context.Context, int) (string, error) { panic(errDown) }
	loader.Fallback(broken, untouched(t))(t.Context(), 7)
}

func TestFallbackKeepsItsOwnList(t *testing.T) {
	fns := []loader.Func[int, string]{(&source{value: "ann"}).Get}
	fn := loader.Fallback(fns...)
	fns[0] = untouched(t)
	if v, err := fn(t.Context(), 7); v != "ann" || err != nil {
		t.Errorf("got %q, %v; want ann", v, err)
	}
}
