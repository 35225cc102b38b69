package protocol

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Waker wakes flights that wait for the end of a lease: when this process has released it, and
// when what hears of writes tells that another process has stored something.
type Waker struct {
	// Heard reports whether the writes to a Redis key are heard of now; nil: never. Set it before
	// the first load.
	Heard func(key string) bool

	waiting atomic.Int64 // watches
	mu      sync.Mutex
	watches map[string][]watch // by Redis key; guarded by mu
}

// A watch is a job whose key is watched, and how its flight is woken.
type watch struct {
	job  *Job
	wake chan<- struct{} // of 1
}

// Invalidate is called when a Redis key was written. The key is borrowed.
func (w *Waker) Invalidate(key []byte) {
	if w.waiting.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	wakeAll(w.watches[string(key)])
}

// Flush is called when any key may have been written.
func (w *Waker) Flush() {
	if w.waiting.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, all := range w.watches {
		wakeAll(all)
	}
}

func wakeAll(all []watch) {
	for _, watch := range all {
		watch.job.woken.Store(true)
		watch.do()
	}
}

func (w watch) do() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// released is called when this process has released a lease of a Redis key, which a flight that
// began after a write may have met. What it waits for is not loaded by another process.
func (w *Waker) released(key string) {
	if w.waiting.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, watch := range w.watches[key] {
		watch.job.released.Store(true)
		watch.do()
	}
}

// watch has the jobs woken from now on, through a channel that has room for one. It must be
// called before their leases are asked for, so that no store is missed; and unwatch later.
func (w *Waker) watch(all jobs, wake chan<- struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watches == nil {
		w.watches = make(map[string][]watch)
	}
	for _, j := range all {
		w.watches[j.Key] = append(w.watches[j.Key], watch{j, wake})
	}
	w.waiting.Add(int64(len(all)))
}

func (w *Waker) unwatch(all jobs) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range all {
		rest := slices.DeleteFunc(w.watches[j.Key], func(other watch) bool { return other.job == j })
		if len(rest) == 0 {
			delete(w.watches, j.Key)
		} else {
			w.watches[j.Key] = rest
		}
	}
	w.waiting.Add(-int64(len(all)))
}

// heard reports whether the writes to the keys of all jobs are heard of.
func (w *Waker) heard(all jobs) bool {
	if w.Heard == nil {
		return false
	}
	return !slices.ContainsFunc(all, func(j *Job) bool { return !w.Heard(j.Key) })
}
