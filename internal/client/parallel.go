package client

import (
	"runtime"
	"sync"
)

// inParallel is how many commands of one call that need a connection each are sent at
// once.
const inParallel = 16

// forEach calls do for the numbers below n, several at a time. What a client's hook does to
// one of the goroutines, a panic or runtime.Goexit, it does to the caller'c.
func ForEach(n int, do func(i int)) {
	var workers sync.WaitGroup
	var mu sync.Mutex
	var panicked any
	ended := false // by a hook
	next := 0
	take := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		i = next
		next++
		return i, i < n && !ended
	}
	for range min(n, inParallel) {
		workers.Go(func() {
			returned := false
			defer func() {
				if returned {
					return
				}
				r := recover()
				mu.Lock()
				defer mu.Unlock()
				ended = true
				if r != nil {
					panicked = r
				}
			}()
			for i, ok := take(); ok; i, ok = take() {
				do(i)
			}
			returned = true
		})
	}
	workers.Wait()
	switch {
	case panicked != nil:
		panic(panicked)
	case ended:
		runtime.Goexit()
	}
}
