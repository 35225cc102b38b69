package loader_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

func TestEach(t *testing.T) {
	errs := map[int]error{
		3: loader.ErrNotFound,
		4: fmt.Errorf("user 4: %w", loader.ErrNotFound),
		5: errDown,
	}
	fn := func(_ context.Context, key int) (string, error) {
		return fmt.Sprint("user ", key), errs[key]
	}
	tests := []struct {
		name   string
		keys   []int
		want   map[int]string
		failed map[int]error
	}{
		{"none", nil, map[int]string{}, nil},
		{"all there", []int{1, 2}, map[int]string{1: "user 1", 2: "user 2"}, nil},
		{"some do not exist", []int{1, 3, 4}, map[int]string{1: "user 1"}, nil},
		{"none exists", []int{3, 4}, map[int]string{}, nil},
		{"one fails", []int{5, 1, 3}, map[int]string{1: "user 1"}, map[int]error{5: errDown}},
	}
	for _, tt := range tests {
		for _, parallel := range []int{1, 2, 100} {
			t.Run(fmt.Sprintf("%s, %d at once", tt.name, parallel), func(t *testing.T) {
				got, err := loader.Each(fn, parallel)(t.Context(), tt.keys)
				if got == nil || !maps.Equal(got, tt.want) {
					t.Errorf("got %#v, want %v", got, tt.want)
				}
				failed, ok := errors.AsType[*loader.BatchError[int]](err)
				if ok != (tt.failed != nil) || ok != (err != nil) {
					t.Fatalf("error %#v, want failures %v", err, tt.failed)
				}
				if ok && !maps.Equal(failed.Errs, tt.failed) {
					t.Errorf("failed %v, want %v", failed.Errs, tt.failed)
				}
			})
		}
	}
}

func TestEachLoadsSoManyAtOnce(t *testing.T) {
	for parallel, want := range map[int]time.Duration{1: 5 * time.Second, 2: 3 * time.Second, 9: time.Second} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g gauge
				start := time.Now()
				got, err := loader.Each(g.Get, parallel)(t.Context(), []int{1, 2, 3, 4, 5})
				if err != nil || len(got) != 5 {
					t.Errorf("got %v, %v", got, err)
				}
				if took := time.Since(start); g.most != min(parallel, 5) || took != want {
					t.Errorf("%d at once in %v, want %d in %v", g.most, took, min(parallel, 5), want)
				}
			})
		})
	}
}

func TestEachLoadsAKeyOnce(t *testing.T) {
	var calls atomic.Int64
	fn := func(_ context.Context, key int) (int, error) {
		calls.Add(1)
		return key, nil
	}
	keys := []int{2, 1, 2, 2}
	got, err := loader.Each(fn, 4)(t.Context(), keys)
	if !maps.Equal(got, map[int]int{1: 1, 2: 2}) || err != nil || calls.Load() != 2 {
		t.Errorf("got %v, %v in %d calls; want two values in 2", got, err, calls.Load())
	}
	if !slices.Equal(keys, []int{2, 1, 2, 2}) {
		t.Errorf("the caller's keys became %v", keys)
	}
}

// The end of the context fails the keys that wait or run, and keeps what is there.
func TestEachEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		calls := 0
		got, err := loader.Each(func(ctx context.Context, key int) (int, error) {
			calls++
			select {
			case <-time.After(time.Second):
				return key, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}, 1)(ctx, []int{1, 2, 3, 4})
		if !maps.Equal(got, map[int]int{1: 1}) || calls != 2 {
			t.Errorf("got %v after %d calls, want the first key after 2", got, calls)
		}
		failed, _ := errors.AsType[*loader.BatchError[int]](err)
		if want := map[int]error{
			2: context.DeadlineExceeded, 3: context.DeadlineExceeded, 4: context.DeadlineExceeded,
		}; failed == nil || !maps.Equal(failed.Errs, want) {
			t.Errorf("error %v, want those of the context for keys 2 to 4", err)
		}
	})
}

// One key panics: the load beside it is cancelled and waited for, the third is
// never begun, and the panic arrives here with the stack it began on.
func TestEachHandsOnAPanic(t *testing.T) {
	for _, value := range []any{errDown, "boom"} {
		t.Run(fmt.Sprintf("%T", value), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := false
				defer func() {
					err, _ := recover().(error)
					if err == nil {
						t.Fatal("no panic with an error arrived")
					}
					if cause, ok := value.(error); ok && !errors.Is(err, cause) {
						t.Errorf("%v does not wrap what fn panicked with", err)
					}
					text := err.Error()
					if !strings.HasPrefix(text, fmt.Sprint(value)) || !strings.Contains(text, "explode") {
						t.Errorf("the panic lost its value or its stack: %s", text)
					}
					if !ended {
						t.Error("the load beside it was left behind")
					}
				}()
				loader.Each(func(ctx context.Context, key int) (string, error) {
					switch key {
					case 1:
						explode(value)
					case 2:
						<-ctx.Done()
						ended = true
						explode("a second panic")
					}
					t.Errorf("key %d was begun after the panic", key)
					return "", nil
				}, 2)(t.Context(), []int{1, 2, 3})
			})
		})
	}
}

func explode(value any) {
	time.Sleep(time.Second) // so that every worker is at its key
	panic(value)
}

func TestEachBeginsNoKeyAfterAPanic(t *testing.T) {
	calls := 0
	func() {
		defer func() { _ = recover() }()
		loader.Each(func(context.Context, int) (string, error) {
			calls++
			panic(errDown)
		}, 1)(t.Context(), []int{1, 2, 3})
	}()
	if calls != 1 {
		t.Errorf("%d keys were begun, want 1", calls)
	}
}

func TestEachHandsOnGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled, returned := false, false
		done := make(chan struct{})
		go func() {
			defer close(done)
			loader.Each(func(ctx context.Context, key int) (string, error) {
				if key == 1 {
					time.Sleep(time.Second) // so that the other is at its key
					runtime.Goexit()
				}
				<-ctx.Done()
				cancelled = true
				return "", ctx.Err()
			}, 2)(t.Context(), []int{1, 2})
			returned = true
		}()
		<-done
		if !cancelled || returned {
			t.Errorf("the load beside it was cancelled: %v; the caller went on: %v", cancelled, returned)
		}
	})
}

func TestEachEndsItsContextWithTheCall(t *testing.T) {
	var inner context.Context
	loader.Each(func(ctx context.Context, _ int) (string, error) {
		inner = ctx
		return "ann", nil
	}, 1)(t.Context(), []int{1})
	if inner.Err() != context.Canceled {
		t.Errorf("the context of a batch that returned has error %v, want context.Canceled", inner.Err())
	}
}

// Many workers, many outcomes: each key gets its own.
func TestEachKeepsKeysApart(t *testing.T) {
	keys := make([]int, 1000)
	for i := range keys {
		keys[i] = i
	}
	got, err := loader.Each(func(_ context.Context, key int) (int, error) {
		if key%2 == 1 {
			return 0, fmt.Errorf("%w: %d", errDown, key)
		}
		return -key, nil
	}, 8)(t.Context(), keys)
	failed, ok := errors.AsType[*loader.BatchError[int]](err)
	if !ok {
		t.Fatalf("error %v, want a BatchError", err)
	}
	for _, key := range keys {
		v, loaded := got[key]
		err := failed.Errs[key]
		if key%2 == 0 && (!loaded || v != -key || err != nil) {
			t.Errorf("key %d: got %d, %v and %v, want its value", key, v, loaded, err)
		}
		if key%2 == 1 && (loaded || err == nil || err.Error() != fmt.Sprintf("source is down: %d", key)) {
			t.Errorf("key %d: got %v and %v, want its error", key, loaded, err)
		}
	}
}
