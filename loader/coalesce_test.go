package loader_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

const window = 10 * time.Millisecond

// A table is a source that is asked for many keys at once. An answer takes so long.
type table struct {
	takes time.Duration

	mu    sync.Mutex
	calls [][]int
	at    []time.Time
}

func (d *table) Users(ctx context.Context, keys []int) (map[int]string, error) {
	d.mu.Lock()
	d.calls = append(d.calls, slices.Clone(keys))
	d.at = append(d.at, time.Now())
	d.mu.Unlock()
	if d.takes > 0 { // no timer that is due at once: see CONTRIBUTING.md
		select {
		case <-time.After(d.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	users := make(map[int]string)
	for _, key := range keys {
		users[key] = user(key)
	}
	return users, nil
}

func user(key int) string { return fmt.Sprint("user ", key) }

// callers load keys, each on a goroutine of its own.
type callers struct {
	t  *testing.T
	fn loader.Func[int, string]
	sync.WaitGroup
}

// load begins a load of each key in turn, every one waiting before the next comes.
func (c *callers) load(keys ...int) {
	for _, key := range keys {
		c.Go(func() {
			if v, err := c.fn(c.t.Context(), key); v != user(key) || err != nil {
				c.t.Errorf("key %d: got %q, %v", key, v, err)
			}
		})
		synctest.Wait()
	}
}

func asked(t *testing.T, d *table, want ...[]int) {
	t.Helper()
	if !slices.EqualFunc(d.calls, want, slices.Equal) {
		t.Errorf("asked for %v, want %v", d.calls, want)
	}
}

func TestCoalesce(t *testing.T) {
	tests := []struct {
		name  string
		max   int
		keys  []int
		calls [][]int
		took  time.Duration
	}{
		{"alone", 4, []int{7}, [][]int{{7}}, window},
		{"in the order they came", 4, []int{7, 9, 8}, [][]int{{7, 9, 8}}, window},
		{"a key asked for twice", 4, []int{7, 8, 7, 7}, [][]int{{7, 8}}, window},
		{"full", 3, []int{7, 8, 9}, [][]int{{7, 8, 9}}, 0},
		{"more than full", 2, []int{1, 2, 3, 4, 5}, [][]int{{1, 2}, {3, 4}, {5}}, window},
		{"full by keys, not by callers", 2, []int{7, 7, 7}, [][]int{{7}}, window},
		{"one at once", 1, []int{7, 7}, [][]int{{7}, {7}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d table
				start := time.Now()
				all := callers{t: t, fn: loader.Coalesce(d.Users, window, tt.max)}
				all.load(tt.keys...)
				all.Wait()
				asked(t, &d, tt.calls...)
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestCoalesceWithoutAWindowDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d table
		start := time.Now()
		all := callers{t: t, fn: loader.Coalesce(d.Users, 0, 100)}
		all.load(7)
		all.Wait()
		asked(t, &d, []int{7})
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// Keys that keep coming hold up nobody: each load is begun a window after it came,
// at the latest.
func TestCoalesceStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := table{takes: time.Hour}
		all := callers{t: t, fn: loader.Coalesce(d.Users, window, 1000)}
		came := make(map[int]time.Time)
		for key := range 100 {
			came[key] = time.Now()
			all.load(key)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(window)
		synctest.Wait()
		for i, keys := range d.calls {
			for _, key := range keys {
				if waited := d.at[i].Sub(came[key]); waited > window {
					t.Errorf("key %d was asked for after %v, in %v", key, waited, keys)
				}
				delete(came, key)
			}
		}
		if len(came) != 0 {
			t.Errorf("not asked for: %v", came)
		}
		all.Wait()
	})
}

// A write may have come since the batch was sent: a load that began after it must
// not get what the batch has read before.
func TestCoalesceJoinsNoBatchThatWasSent(t *testing.T) {
	for _, max := range []int{1, 2} {
		t.Run(fmt.Sprintf("max %d", max), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := table{takes: time.Second}
				all := callers{t: t, fn: loader.Coalesce(d.Users, window, max)}
				all.load(7)
				time.Sleep(window)
				synctest.Wait()
				asked(t, &d, []int{7})
				all.load(7)
				all.Wait()
				asked(t, &d, []int{7}, []int{7})
			})
		})
	}
}

func TestCoalesceGivesEachKeyItsAnswer(t *testing.T) {
	gone := fmt.Errorf("user 3: %w", loader.ErrNotFound)
	named := &loader.BatchError[int]{Errs: map[int]error{2: errDown, 3: gone, 4: nil}}
	wrapped := fmt.Errorf("table of users: %w", named)
	values := map[int]string{1: "ann", 2: "nobody's", 5: ""}
	tests := []struct {
		name   string
		values map[int]string
		err    error
		want   map[int]error // for errors.Is
	}{
		{"all well", values, nil, map[int]error{1: nil, 2: nil, 3: loader.ErrNotFound, 5: nil}},
		{"nothing", nil, nil, map[int]error{1: loader.ErrNotFound}},
		{"some keys fail", values, named, map[int]error{1: nil, 2: errDown, 3: gone, 5: nil, 6: loader.ErrNotFound}},
		{"all keys fail", values, errDown, map[int]error{1: errDown, 6: errDown}},
		{"it is not known which fail", values, wrapped, map[int]error{1: wrapped, 6: wrapped}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fn := loader.Coalesce(func(context.Context, []int) (map[int]string, error) {
					return tt.values, tt.err
				}, window, 100)
				var all sync.WaitGroup
				for key, want := range tt.want {
					all.Go(func() {
						v, err := fn(t.Context(), key)
						if err != want || want == nil && v != tt.values[key] || want != nil && v != "" {
							t.Errorf("key %d: got %q, %v; want error %v", key, v, err, want)
						}
					})
				}
				all.Wait()
			})
		})
	}
}

func TestCoalesceNeedsAReasonForAFailure(t *testing.T) {
	fn := loader.Coalesce(func(context.Context, []int) (map[int]string, error) {
		return nil, &loader.BatchError[int]{Errs: map[int]error{4: nil}}
	}, 0, 1)
	_, err := fn(t.Context(), 4)
	if want := "loader: the batch failed for this key and did not say why"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// A key that cannot be hashed panics, as in a map, and breaks nothing.
func TestCoalesceOutlivesAKeyWithoutAHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls [][]any
		fn := loader.Coalesce(func(_ context.Context, keys []any) (map[any]string, error) {
			calls = append(calls, keys)
			return map[any]string{7: "ann"}, nil
		}, window, 2)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			fn(t.Context(), []int{7})
		}()
		time.Sleep(2 * window)
		if v, err := fn(t.Context(), 7); v != "ann" || err != nil || len(calls) != 1 {
			t.Errorf("got %q, %v after the calls %v", v, err, calls)
		}
	})
}

// Many callers on two processors: each gets its own answer, no batch is larger than
// it may be, and none holds a key twice.
func TestCoalesceManyCallers(t *testing.T) {
	const keys, max = 50, 8
	var d table
	fn := loader.Coalesce(d.Users, 100*time.Microsecond, max)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for n := range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				key := (7*i + n) % keys
				if n%5 == 0 {
					go cancel()
				}
				v, err := fn(ctx, key)
				if left := n%5 == 0 && errors.Is(err, context.Canceled); !left && (err != nil || v != user(key)) {
					t.Errorf("key %d: got %q, %v", key, v, err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, call := range d.calls {
		slices.Sort(call)
		if len(call) == 0 || len(call) > max || len(slices.Compact(slices.Clone(call))) != len(call) {
			t.Errorf("a batch of %v", call)
		}
	}
}
