package flight

import (
	"context"
	"sync"
	"testing"

	"golang.org/x/sync/singleflight"
)

// What one caller pays for a flight that nobody joins.
func BenchmarkDo(b *testing.B) {
	b.Run("flight", func(b *testing.B) {
		b.ReportAllocs()
		var g Group[int]
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		fn := func(_ context.Context, f *Flight[int]) (int, error) {
			f.SealStore()
			f.Settled()
			return 1, nil
		}
		for b.Loop() {
			g.Do(ctx, "key", fn)
		}
	})
	b.Run("singleflight", func(b *testing.B) {
		b.ReportAllocs()
		var g singleflight.Group
		for b.Loop() {
			g.Do("key", func() (any, error) { return 1, nil })
		}
	})
}

// What a hundred callers pay for one flight that all of them have joined before the
// function goes on.
func BenchmarkDo100Callers(b *testing.B) {
	const callers = 100
	b.Run("flight", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var g Group[int]
			hundred(callers, func(joined func()) {
				g.Do(b.Context(), "key", func(_ context.Context, f *Flight[int]) (int, error) {
					joined()
					f.SealStore()
					return 1, nil
				})
			})
		}
	})
	b.Run("singleflight", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var g singleflight.Group
			hundred(callers, func(joined func()) {
				g.Do("key", func() (any, error) {
					joined()
					return 1, nil
				})
			})
		}
	})
}

// hundred runs call so often at once. The function of a call ends when all calls
// have begun, as far as can be seen from outside.
func hundred(callers int, call func(joined func())) {
	var began, all sync.WaitGroup
	began.Add(callers)
	for range callers {
		all.Go(func() {
			began.Done()
			call(began.Wait)
		})
	}
	all.Wait()
}
