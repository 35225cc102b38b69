package client

import (
	"sync"

	"github.com/asidecache/aside/internal/relay"
)

// contain calls fn on a goroutine of its own, for a caller that is to go on whatever a client's
// hook does: a panic ends there, and so does runtime.Goexit.
func contain(fn func()) {
	done := make(chan struct{})
	go relay.Catch(fn, func(*relay.Crash) { close(done) })
	<-done
}

// inParallel is how many commands of one call that need a connection each are sent at
// once.
const inParallel = 16

// ForEach calls do for the numbers below n, several at a time. What a client's hook does to
// one of the goroutines, a panic or runtime.Goexit, it does to the caller's.
func ForEach(n int, do func(i int)) { forEach(n, inParallel, do) }

// forEach is ForEach with so many at a time.
func forEach(n, atOnce int, do func(i int)) {
	var workers sync.WaitGroup
	var mu sync.Mutex
	var crash *relay.Crash
	next := 0
	take := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		i = next
		next++
		return i, i < n && crash == nil
	}
	work := func() {
		for i, ok := take(); ok; i, ok = take() {
			do(i)
		}
	}
	for range min(n, atOnce) {
		workers.Go(func() {
			relay.Catch(work, func(c *relay.Crash) {
				mu.Lock()
				defer mu.Unlock()
				if crash == nil || c.IsPanic() {
					crash = c
				}
			})
		})
	}
	workers.Wait()
	if crash != nil {
		crash.Repeat()
	}
}
