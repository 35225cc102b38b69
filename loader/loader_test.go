package loader_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/loader"
)

var (
	errDown   = errors.New("source is down")
	errNoRows = errors.New("no rows in result set")
)

func isNoRows(err error) bool { return errors.Is(err, errNoRows) }

// A source is a method value's owner, as a repository of a program is.
type source struct {
	value string
	err   error
	calls int
}

func (s *source) Get(context.Context, int) (string, error) {
	s.calls++
	return s.value, s.err
}

// hang returns when ctx is done, with the error of ctx.
func hang(ctx context.Context, _ int) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// untouched fails the test when it is called.
func untouched(t *testing.T) loader.Func[int, string] {
	return func(context.Context, int) (string, error) {
		t.Error("the loader was called")
		return "", nil
	}
}

// noPause is a backoff that does not wait.
func noPause(int) time.Duration { return 0 }

func TestNotFoundIf(t *testing.T) {
	wrapped := fmt.Errorf("select user: %w", errNoRows)
	already := fmt.Errorf("user 7: %w: %w", loader.ErrNotFound, errNoRows)
	tests := []struct {
		name     string
		err      error
		notFound bool
		asItWas  bool
	}{
		{"no error", nil, false, true},
		{"another error", errDown, false, true},
		{"the error", errNoRows, true, false},
		{"the error, wrapped", wrapped, true, false},
		{"not found already", already, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := &source{value: "ann", err: tt.err}
			v, err := loader.NotFoundIf(src.Get, isNoRows)(t.Context(), 7)
			if got := errors.Is(err, loader.ErrNotFound); got != tt.notFound {
				t.Errorf("errors.Is(%v, ErrNotFound) = %v, want %v", err, got, tt.notFound)
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("%v has lost its cause %v", err, tt.err)
			}
			if got := err == tt.err; got != tt.asItWas {
				t.Errorf("%v is fn's own error: %v, want %v", err, got, tt.asItWas)
			}
			if err == nil && v != "ann" {
				t.Errorf("value %q, want ann", v)
			}
		})
	}
}

func TestNotFoundIfAsksOnlyForErrors(t *testing.T) {
	src := &source{value: "ann"}
	always := func(err error) bool { return true }
	if v, err := loader.NotFoundIf(src.Get, always)(t.Context(), 7); v != "ann" || err != nil {
		t.Errorf("got %q, %v; want ann", v, err)
	}
}

func TestErrNotFoundText(t *testing.T) {
	if got, want := loader.ErrNotFound.Error(), "loader: not found"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

// A mistake in building a loader is seen when the program starts, and its
// sentence names the function.
func TestBadArguments(t *testing.T) {
	var none loader.Func[int, string]
	var noBatch loader.BatchFunc[int, string]
	get := (&source{}).Get
	users := loader.Each(get, 1)
	tests := []struct {
		names string
		build func()
	}{
		{"NotFoundIf needs a loader", func() { loader.NotFoundIf(none, isNoRows) }},
		{"NotFoundIf needs a function", func() { loader.NotFoundIf(get, nil) }},
		{"Timeout needs a loader", func() { loader.Timeout(none, time.Second) }},
		{"Timeout needs a time above 0, not 0s", func() { loader.Timeout(get, 0) }},
		{"Timeout needs a time above 0, not -1s", func() { loader.Timeout(get, -time.Second) }},
		{"Limit needs a loader", func() { loader.Limit(none, 1) }},
		{"Limit needs at least 1 call at once, not 0", func() { loader.Limit(get, 0) }},
		{"Retry needs a loader", func() { loader.Retry(none, 1, noPause) }},
		{"Retry needs at least 1 try, not 0", func() { loader.Retry(get, 0, noPause) }},
		{"Retry needs a backoff", func() { loader.Retry(get, 1, nil) }},
		{"Exponential needs a first pause above 0", func() { loader.Exponential(0, time.Second) }},
		{"not 2s and 1s", func() { loader.Exponential(2*time.Second, time.Second) }},
		{"Fallback needs at least 1 loader", func() { loader.Fallback[int, string]() }},
		{"Fallback needs loaders, number 2 is nil", func() { loader.Fallback(get, none) }},
		{"Each needs a loader", func() { loader.Each(none, 1) }},
		{"Each needs at least 1 key at once, not 0", func() { loader.Each(get, 0) }},
		{"Coalesce needs a loader of batches", func() { loader.Coalesce(noBatch, time.Second, 1) }},
		{"Coalesce needs a window of at least 0, not -1ns", func() { loader.Coalesce(users, -1, 1) }},
		{"Coalesce needs at least 1 key a batch, not 0", func() { loader.Coalesce(users, time.Second, 0) }},
	}
	for _, tt := range tests {
		t.Run(tt.names, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				if !strings.HasPrefix(text, "loader: ") || !strings.Contains(text, tt.names) {
					t.Errorf("panicked with %q, want a sentence with %q", text, tt.names)
				}
			}()
			tt.build()
		})
	}
}

// The least arguments that make sense are accepted.
func TestLeastArguments(t *testing.T) {
	get := (&source{value: "ann"}).Get
	for _, fn := range []loader.Func[int, string]{
		loader.Timeout(get, time.Hour),
		loader.Limit(get, 1),
		loader.Retry(get, 1, loader.Exponential(1, 1)),
		loader.Fallback(get),
		loader.Coalesce(loader.Each(get, 1), 0, 1),
	} {
		if v, err := fn(t.Context(), 7); v != "ann" || err != nil {
			t.Errorf("got %q, %v; want ann", v, err)
		}
	}
}
