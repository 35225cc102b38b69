package loader_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

// failing fails so many times, each time with another error, and then succeeds.
func failing(times int) (fn loader.Func[int, string], calls *int) {
	calls = new(int)
	return func(context.Context, int) (string, error) {
		*calls++
		if *calls <= times {
			return "", fmt.Errorf("failure %d: %w", *calls, errDown)
		}
		return "ann", nil
	}, calls
}

func TestRetry(t *testing.T) {
	tests := []struct {
		failures, tries int
		pauses          []int
		text            string
	}{
		{failures: 0, tries: 3},
		{failures: 2, tries: 3, pauses: []int{1, 2}},
		{failures: 3, tries: 3, pauses: []int{1, 2}, text: "failure 3: source is down"},
		{failures: 1, tries: 1, text: "failure 1: source is down"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d failures, %d tries", tt.failures, tt.tries), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fn, calls := failing(tt.failures)
				var pauses []int
				var total time.Duration
				start := time.Now()
				v, err := loader.Retry(fn, tt.tries, func(retry int) time.Duration {
					pauses = append(pauses, retry)
					total += time.Duration(retry) * time.Second
					return time.Duration(retry) * time.Second
				})(t.Context(), 7)

				if want := min(tt.failures+1, tt.tries); *calls != want {
					t.Errorf("%d calls, want %d", *calls, want)
				}
				if !slices.Equal(pauses, tt.pauses) || time.Since(start) != total {
					t.Errorf("asked for the pauses %v and took %v, want %v and %v", pauses, time.Since(start), tt.pauses, total)
				}
				if tt.text == "" && (v != "ann" || err != nil) {
					t.Errorf("got %q, %v; want ann", v, err)
				}
				if tt.text != "" && (err == nil || err.Error() != tt.text) {
					t.Errorf("error %v, want the last one as it was: %s", err, tt.text)
				}
			})
		})
	}
}

func TestRetryTakesNotFoundForAnAnswer(t *testing.T) {
	src := &source{err: fmt.Errorf("user 7: %w", loader.ErrNotFound)}
	_, err := loader.Retry(src.Get, 3, noPause)(t.Context(), 7)
	if err != src.err || src.calls != 1 {
		t.Errorf("%v after %d calls, want the error as it was after 1", err, src.calls)
	}
}

func TestRetryDoesNotPauseForANegativeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fn, calls := failing(2)
		start := time.Now()
		_, err := loader.Retry(fn, 3, func(int) time.Duration { return -time.Second })(t.Context(), 7)
		if err != nil || *calls != 3 || time.Since(start) != 0 {
			t.Errorf("%v after %d calls and %v, want success after 3 and no time", err, *calls, time.Since(start))
		}
	})
}

func TestRetryEndsWithItsContextDuringATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls := 0
		backoff := func(int) time.Duration {
			t.Error("asked for a pause after the end of the context")
			return 0
		}
		_, err := loader.Retry(func(ctx context.Context, _ int) (string, error) {
			calls++
			<-ctx.Done()
			return "", errDown
		}, 3, backoff)(ctx, 7)
		if err != errDown || calls != 1 {
			t.Errorf("%v after %d calls, want the error as it was after 1", err, calls)
		}
	})
}

func TestRetryEndsWithItsContextDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		fn, calls := failing(3)
		start := time.Now()
		_, err := loader.Retry(fn, 3, func(int) time.Duration { return time.Hour })(ctx, 7)
		if took := time.Since(start); took != time.Second || *calls != 1 {
			t.Errorf("%v and %d calls, want 1s and 1", took, *calls)
		}
		if !errors.Is(err, context.Canceled) || !errors.Is(err, errDown) {
			t.Errorf("%v: want both the end of the context and the last failure", err)
		}
		if got, want := err.Error(), "loader: stopped after try 1 of 3: context canceled: failure 1: source is down"; got != want {
			t.Errorf("text %q, want %q", got, want)
		}
	})
}

// A try that ran into a Timeout inside is tried again: the caller's own context
// goes on.
func TestRetryRepeatsATryThatTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fn := loader.Retry(loader.Timeout(hang, time.Second), 3, noPause)
		if _, err := fn(t.Context(), 7); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want context.DeadlineExceeded", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v, want three tries of 1s", took)
		}
	})
}

func TestRetryDoesNotRepeatAPanic(t *testing.T) {
	calls := 0
	defer func() {
		if r := recover(); r != errDown || calls != 1 {
			t.Errorf("recovered %v after %d calls, want the panic as it was after 1", r, calls)
		}
	}()
	loader.Retry(func(context.Context, int) (string, error) {
		calls++
		panic(errDown)
	}, 3, noPause)(t.Context(), 7)
}

func TestExponential(t *testing.T) {
	backoff := loader.Exponential(10*time.Millisecond, 50*time.Millisecond)
	for retry, full := range map[int]time.Duration{
		-1:  10 * time.Millisecond,
		0:   10 * time.Millisecond,
		1:   10 * time.Millisecond,
		2:   20 * time.Millisecond,
		3:   40 * time.Millisecond,
		4:   50 * time.Millisecond,
		40:  50 * time.Millisecond,
		63:  50 * time.Millisecond,
		500: 50 * time.Millisecond,
	} {
		shortest, longest := full, time.Duration(0)
		for range 1000 {
			pause := backoff(retry)
			if pause < full/2 || pause > full {
				t.Fatalf("pause %d is %v, want %v to %v", retry, pause, full/2, full)
			}
			shortest, longest = min(shortest, pause), max(longest, pause)
		}
		if shortest > full*6/10 || longest < full*9/10 {
			t.Errorf("1000 times pause %d: %v to %v, want a spread over %v to %v", retry, shortest, longest, full/2, full)
		}
	}
}

func TestExponentialIsNeverNothing(t *testing.T) {
	backoff := loader.Exponential(1, 1)
	for range 100 {
		if got := backoff(1); got != 1 {
			t.Fatalf("the shortest pause there is came out as %d ns", got)
		}
	}
}
