package loader_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/loader"
)

// A try is what a scripted source does with one call.
type try struct {
	takes time.Duration // unless its context ends before
	err   error
	panic bool
}

func (t try) String() string {
	switch {
	case t.panic:
		return "panics"
	case t.err != nil:
		return t.err.Error()
	}
	return fmt.Sprint("takes ", t.takes)
}

// A script is a source that does with its calls one thing after another, and succeeds after the
// last. It notes how many run at once.
type script struct {
	tries         []try
	calls         int
	running, most int
}

func (s *script) load(ctx context.Context, _ int) (string, error) {
	var next try
	if s.calls < len(s.tries) {
		next = s.tries[s.calls]
	}
	s.calls++
	s.running++
	defer func() { s.running-- }()
	s.most = max(s.most, s.running)
	select {
	case <-time.After(next.takes):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if next.panic {
		panic("in the source")
	}
	return fmt.Sprint("call ", s.calls), next.err
}

var (
	fails    = try{takes: time.Second, err: errDown}
	hangs    = try{takes: time.Hour}
	isAbsent = try{takes: time.Second, err: loader.ErrNotFound}
	panics   = try{takes: time.Second, panic: true}
)

// What each order of the functions of this package means, for a source and for a second one: a
// try has 2 s or all of them have, there is a pause of 4 s between two, and the caller leaves
// after its own time.
func TestCombinations(t *testing.T) {
	type fn = loader.Func[int, string]
	timeout := func(f fn) fn { return loader.Timeout(f, 2*time.Second) }
	retry := func(f fn) fn { return loader.Retry(f, 3, func(int) time.Duration { return 4 * time.Second }) }
	limit := func(f fn) fn { return loader.Limit(f, 1) }
	orders := map[string]func(a, b fn) fn{
		"Retry(Timeout)":           func(a, _ fn) fn { return retry(timeout(a)) },
		"Timeout(Retry)":           func(a, _ fn) fn { return timeout(retry(a)) },
		"Retry(Limit(Timeout))":    func(a, _ fn) fn { return retry(limit(timeout(a))) },
		"Fallback(Retry(Timeout))": func(a, b fn) fn { return loader.Fallback(retry(timeout(a)), b) },
		"Fallback(Timeout(Retry))": func(a, b fn) fn { return loader.Fallback(timeout(retry(a)), b) },
		"Retry(Fallback)":          func(a, b fn) fn { return retry(loader.Fallback(a, b)) },
		"Timeout(Fallback)":        func(a, b fn) fn { return timeout(loader.Fallback(a, b)) },
		"Fallback(Timeout)":        func(a, b fn) fn { return loader.Fallback(timeout(a), b) },
		"Limit(Fallback(Retry))":   func(a, b fn) fn { return limit(loader.Fallback(retry(a), b)) },
		"Timeout(Fallback(Retry))": func(a, b fn) fn { return timeout(loader.Fallback(retry(a), b)) },
	}
	for _, tt := range []struct {
		order  string
		first  []try
		second []try
		leaves time.Duration // the caller; 0: it does not
		value  string
		errs   []error // that the error is
		not    error   // that it is not
		panics bool
		calls  [2]int
		took   time.Duration
	}{
		// Each try has its time, and one that had too little is followed by the next.
		{order: "Retry(Timeout)", first: []try{hangs, fails}, value: "call 3", calls: [2]int{3, 0}, took: 2 + 4 + 1 + 4},
		{order: "Retry(Timeout)", first: []try{hangs, hangs, hangs}, errs: []error{context.DeadlineExceeded}, calls: [2]int{3, 0}, took: 2 + 4 + 2 + 4 + 2},
		{order: "Retry(Timeout)", first: []try{fails, isAbsent}, errs: []error{loader.ErrNotFound}, calls: [2]int{2, 0}, took: 1 + 4 + 1},
		{order: "Retry(Timeout)", first: []try{fails, panics}, panics: true, calls: [2]int{2, 0}, took: 1 + 4 + 1},
		{order: "Retry(Timeout)", first: []try{fails}, leaves: 3, errs: []error{context.DeadlineExceeded, errDown}, calls: [2]int{1, 0}, took: 3},
		{order: "Retry(Timeout)", first: []try{hangs}, leaves: 1, errs: []error{context.DeadlineExceeded}, calls: [2]int{1, 0}, took: 1},
		// All tries and pauses have one time: here too little for a second try.
		{order: "Timeout(Retry)", first: []try{hangs}, errs: []error{context.DeadlineExceeded}, calls: [2]int{1, 0}, took: 2},
		{order: "Timeout(Retry)", first: []try{fails}, errs: []error{context.DeadlineExceeded, errDown}, calls: [2]int{1, 0}, took: 2},
		{order: "Timeout(Retry)", first: []try{isAbsent}, errs: []error{loader.ErrNotFound}, not: context.DeadlineExceeded, calls: [2]int{1, 0}, took: 1},
		{order: "Retry(Limit(Timeout))", first: []try{panics}, panics: true, calls: [2]int{1, 0}, took: 1},
		// The second source is asked when all tries of the first have failed, and not if the caller
		// has left or the first has answered that there is nothing.
		{order: "Fallback(Retry(Timeout))", first: []try{hangs, fails, fails}, value: "call 1", calls: [2]int{3, 1}, took: 2 + 4 + 1 + 4 + 1},
		{order: "Fallback(Retry(Timeout))", first: []try{fails, isAbsent}, errs: []error{loader.ErrNotFound}, not: errDown, calls: [2]int{2, 0}, took: 1 + 4 + 1},
		{order: "Fallback(Retry(Timeout))", first: []try{fails}, leaves: 3, errs: []error{context.DeadlineExceeded, errDown}, calls: [2]int{1, 0}, took: 3},
		{order: "Fallback(Retry(Timeout))", first: []try{fails, panics}, panics: true, calls: [2]int{2, 0}, took: 1 + 4 + 1},
		{order: "Fallback(Retry(Timeout))", first: []try{fails, fails, fails}, second: []try{isAbsent}, errs: []error{loader.ErrNotFound}, not: errDown, calls: [2]int{3, 1}, took: 1 + 4 + 1 + 4 + 1 + 1},
		{order: "Fallback(Timeout(Retry))", first: []try{fails}, value: "call 1", calls: [2]int{1, 1}, took: 2},
		// Both sources are asked in each try.
		{order: "Retry(Fallback)", first: []try{fails, fails}, second: []try{fails}, value: "call 2", calls: [2]int{2, 2}, took: 1 + 1 + 4 + 1},
		// The time is for both: where the first takes all of it, none is left for the second.
		{order: "Timeout(Fallback)", first: []try{hangs}, errs: []error{context.DeadlineExceeded}, calls: [2]int{1, 0}, took: 2},
		{order: "Timeout(Fallback(Retry))", first: []try{fails}, errs: []error{context.DeadlineExceeded, errDown}, calls: [2]int{1, 0}, took: 2},
		{order: "Fallback(Timeout)", first: []try{hangs}, value: "call 1", calls: [2]int{1, 1}, took: 2},
		{order: "Limit(Fallback(Retry))", first: []try{fails, fails, fails}, second: []try{panics}, panics: true, calls: [2]int{3, 1}, took: 1 + 4 + 1 + 4 + 1 + 1},
	} {
		t.Run(fmt.Sprintf("%s %v %v", tt.order, tt.first, tt.second), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := &script{tries: tt.first}, &script{tries: tt.second}
				fn := orders[tt.order](a.load, b.load)
				ctx := t.Context()
				if tt.leaves > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.leaves*time.Second)
					defer cancel()
				}
				began := time.Now()
				var v string
				var err error
				panicked := func() (r any) {
					defer func() { r = recover() }()
					v, err = fn(ctx, 7)
					return nil
				}()
				if took := time.Since(began); took != tt.took*time.Second {
					t.Errorf("it took %v, want %v", took, tt.took*time.Second)
				}
				if a.calls != tt.calls[0] || b.calls != tt.calls[1] {
					t.Errorf("the sources were asked %d and %d times, want %v", a.calls, b.calls, tt.calls)
				}
				if (panicked != nil) != tt.panics {
					t.Errorf("it panicked with %v, want that: %v", panicked, tt.panics)
				}
				if !tt.panics && (err == nil) != (len(tt.errs) == 0) || err == nil && v != tt.value {
					t.Errorf("got %q, %v; want %q, %v", v, err, tt.value, tt.errs)
				}
				for _, wanted := range tt.errs {
					if !errors.Is(err, wanted) {
						t.Errorf("error %v, want one that is %v", err, wanted)
					}
				}
				if tt.not != nil && errors.Is(err, tt.not) {
					t.Errorf("error %v, want one that is not %v", err, tt.not)
				}
				if v, err := fn(t.Context(), 7); err != nil && a.calls > len(tt.first) { // no place of a Limit is lost
					t.Errorf("the next call: %q, %v", v, err)
				}
			})
		})
	}
}

// Where a Limit stands says what it counts: tries, of which one begins in another's pause, or
// whole loads with their pauses.
func TestLimitAndRetry(t *testing.T) {
	retry := func(f loader.Func[int, string]) loader.Func[int, string] {
		return loader.Retry(f, 2, func(int) time.Duration { return 4 * time.Second })
	}
	for _, tt := range []struct {
		name string
		make func(f loader.Func[int, string]) loader.Func[int, string]
		ends string
	}{
		{"Retry(Limit)", func(f loader.Func[int, string]) loader.Func[int, string] { return retry(loader.Limit(f, 1)) }, "[2s 5s]"}, // the other one loads in the pause
		{"Limit(Retry)", func(f loader.Func[int, string]) loader.Func[int, string] { return loader.Limit(retry(f), 1) }, "[6s 6s]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{tries: []try{fails, {takes: time.Second}, {}}}
				fn := tt.make(s.load)
				began := time.Now()
				var mu sync.Mutex // guards ended
				var ended []time.Duration
				var calls sync.WaitGroup
				for range 2 {
					calls.Go(func() {
						if v, err := fn(t.Context(), 7); err != nil {
							t.Errorf("got %q, %v", v, err)
						}
						mu.Lock()
						defer mu.Unlock()
						ended = append(ended, time.Since(began))
					})
					synctest.Wait()
				}
				calls.Wait()
				if got := fmt.Sprint(ended); got != tt.ends || s.most != 1 {
					t.Errorf("the loads ended after %s, %d at once; want %s and 1", got, s.most, tt.ends)
				}
			})
		})
	}
}
