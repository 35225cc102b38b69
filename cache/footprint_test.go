package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// Ten thousand caches of a process are nothing: one takes a few kilobytes, and a few more when it
// has loaded, stored and deleted.
func TestMemoryOfACache(t *testing.T) {
	const n = 500
	rdb := redistest.Mini(t).Client
	all := make([]*cache.Cache[int, string], n+1)
	use := func(i int) {
		all[i] = open(t, rdb, cache.Config[int, string]{Name: fmt.Sprint("c", i), TTL: time.Minute})
	}
	use(n) // what all share
	opened := heapPer(n, func() {
		for i := range n {
			use(i)
		}
	})
	used := heapPer(n, func() {
		for _, c := range all {
			_, err := c.GetOrSet(t.Context(), 1, func(context.Context, int) (string, error) { return "v", nil })
			if err != nil || c.Set(t.Context(), 2, "v") != nil || c.Delete(t.Context(), 1) != nil {
				t.Fatal(err)
			}
		}
	})
	if opened > 6<<10 || used > 12<<10 { // of which a part is the server's
		t.Errorf("a cache takes %d bytes, and %d more when it is used", opened, used)
	}
}

// heapPer returns by how much f lets the heap grow, divided by n.
func heapPer(n int, f func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return (int(after.HeapAlloc) - int(before.HeapAlloc)) / n
}

func BenchmarkNew(b *testing.B) {
	rdb := redistest.Mini(b).Client
	for i := 0; b.Loop(); i++ {
		c, err := cache.New(rdb, cache.Config[int, string]{Name: fmt.Sprint("c", i), TTL: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = c.Close()
		b.StartTimer()
	}
}
