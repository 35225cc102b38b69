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

func TestTimeoutEndsALoadThatHonoursItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := loader.Timeout(hang, 2*time.Second)(t.Context(), 7)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %v, want 2s", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is not context.DeadlineExceeded", err)
		}
		if got, want := err.Error(), "loader: timed out after 2s: context deadline exceeded"; got != want {
			t.Errorf("text %q, want %q", got, want)
		}
	})
}

// A driver has its own words for a context that ended: they are kept.
func TestTimeoutKeepsTheErrorOfTheDriver(t *testing.T) {
	errCanceledQuery := errors.New("canceling statement due to user request")
	synctest.Test(t, func(t *testing.T) {
		_, err := loader.Timeout(func(ctx context.Context, _ int) (string, error) {
			<-ctx.Done()
			return "", errCanceledQuery
		}, 2*time.Second)(t.Context(), 7)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errCanceledQuery) {
			t.Errorf("%v: want both context.DeadlineExceeded and the error of the driver", err)
		}
	})
}

func TestTimeoutTellsTheLoaderWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loader.Timeout(func(ctx context.Context, _ int) (string, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 2*time.Second {
				t.Errorf("deadline %v, %v; want 2s from now", deadline, ok)
			}
			<-ctx.Done()
			if got := context.Cause(ctx).Error(); got != "loader: timed out after 2s" {
				t.Errorf("cause %q", got)
			}
			return "", ctx.Err()
		}, 2*time.Second)(t.Context(), 7)
	})
}

func TestTimeoutPassesOnTheEndOfTheCallersContext(t *testing.T) {
	errShutdown := errors.New("shutting down")
	tests := []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(errShutdown) })
			return ctx, func() { cancel(nil) }
		}, context.Canceled},
		{"an earlier deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				start := time.Now()
				_, err := loader.Timeout(hang, 2*time.Second)(ctx, 7)
				if took := time.Since(start); err != tt.want || took != time.Second {
					t.Errorf("%v after %v, want %v after 1s", err, took, tt.want)
				}
			})
		})
	}
}

// Two Timeouts of the same length: only the one that expired says so.
func TestTimeoutInsideAnotherThatExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slowStart := func(ctx context.Context, key int) (string, error) {
			time.Sleep(time.Second)
			return loader.Timeout(hang, 2*time.Second)(ctx, key)
		}
		_, err := loader.Timeout(slowStart, 2*time.Second)(t.Context(), 7)
		if got, want := err.Error(), "loader: timed out after 2s: context deadline exceeded"; got != want {
			t.Errorf("text %q, want %q", got, want)
		}
	})
}

func TestTimeoutLeavesAnErrorInTimeAlone(t *testing.T) {
	for _, want := range []error{errDown, context.DeadlineExceeded, loader.ErrNotFound} {
		src := &source{err: want}
		if _, err := loader.Timeout(src.Get, time.Hour)(t.Context(), 7); err != want {
			t.Errorf("got %v, want %v as it was", err, want)
		}
	}
}

// A load that ignores its context is waited for: its answer counts, and nothing
// of it is left running, which the end of the bubble proves.
func TestTimeoutWaitsForALoadThatIgnoresItsContext(t *testing.T) {
	notFound := fmt.Errorf("user 7: %w", loader.ErrNotFound)
	tests := []struct {
		name  string
		err   error
		check func(error) bool
	}{
		{"value", nil, func(err error) bool { return err == nil }},
		{"not found", notFound, func(err error) bool { return err == notFound }},
		{"error", errDown, func(err error) bool {
			return errors.Is(err, context.DeadlineExceeded) && errors.Is(err, errDown)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				running := true
				v, err := loader.Timeout(func(context.Context, int) (string, error) {
					time.Sleep(5 * time.Second)
					running = false
					return "late", tt.err
				}, 2*time.Second)(t.Context(), 7)
				if running || v != "late" || !tt.check(err) {
					t.Errorf("still running: %v, value %q, error %v", running, v, err)
				}
			})
		})
	}
}

// The context and its timer go with the call.
func TestTimeoutEndsItsContextWithTheCall(t *testing.T) {
	var inner context.Context
	loader.Timeout(func(ctx context.Context, _ int) (string, error) {
		inner = ctx
		return "ann", nil
	}, time.Hour)(t.Context(), 7)
	if inner.Err() != context.Canceled {
		t.Errorf("the context of a load that returned has error %v, want context.Canceled", inner.Err())
	}
}
