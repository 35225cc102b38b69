package tracking

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// When three questions were answered that were asked one after another, the first of them after
// a write was acknowledged, the write was heard of. After the first answer it may not have been,
// where a server has threads for its answers.
func TestProofWithThreads(t *testing.T) {
	const writes = 500
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.StartCalm(t, redistest.Standalone, "--io-threads", "4")
			rdb := i.Client(t).(*redis.Client)
			var heard atomic.Int64
			c, err := connect(t.Context(), rdb.Options(), func([]byte) { heard.Add(1) }, func() {})
			if err != nil {
				t.Fatal(err)
			}
			defer c.end()
			if err := c.track([]string{"user:"}); err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			var others sync.WaitGroup
			defer others.Wait()
			defer close(stop)
			for range 8 { // so that its threads have work
				others.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							rdb.Set(t.Context(), "team:1", "v", 0)
						}
					}
				})
			}
			late := [3]int{}
			for n := range writes {
				if err := rdb.Set(t.Context(), "user:1", "v", 0).Err(); err != nil {
					t.Fatal(err)
				}
				for k := range late {
					if _, err := c.ask("PING"); err != nil {
						t.Fatal(err)
					}
					if heard.Load() <= int64(n) {
						late[k]++
					}
				}
				if late[2] > 0 {
					t.Fatalf("write %d was not heard of after three answers", n)
				}
			}
			t.Logf("of %d writes, %d were not heard of after one answer, %d after two", writes, late[0], late[1])
		})
	}
}
