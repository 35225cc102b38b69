package loader_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asidecache/aside/loader"
)

// What a load of its own key costs among so many others, half of a batch's worth of
// them or ten times that. Batches are sent when they are full or after a
// millisecond; the source takes no time.
func BenchmarkCoalesce(b *testing.B) {
	const max = 16
	for _, callers := range []int{max / 2, 10 * max} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			b.ReportAllocs()
			var calls, next atomic.Int64
			fn := loader.Coalesce(func(_ context.Context, keys []int64) (map[int64]int64, error) {
				calls.Add(1)
				values := make(map[int64]int64, len(keys))
				for _, key := range keys {
					values[key] = key
				}
				return values, nil
			}, time.Millisecond, max)
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.SetParallelism(callers / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					key := next.Add(1)
					if v, err := fn(ctx, key); v != key || err != nil {
						b.Errorf("key %d: got %d, %v", key, v, err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(calls.Load()), "keys/batch")
		})
	}
}
