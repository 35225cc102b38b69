package client

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// writes tells the caches that keep values of a client in memory what this process writes by it.
type writes struct {
	mu       sync.Mutex // guards changes of watchers
	watchers atomic.Pointer[[]*writeWatcher]
}

// A writeWatcher hears of writes of the keys that begin with the prefix.
type writeWatcher struct {
	prefix  string
	written func(key string)
}

// allWrites has the writes of each client, which may have two executors.
var allWrites Table[writes]

// WatchWrites has written called, until stop, before and after each write of a key that begins
// with the prefix, by any store on the client in this process. It must not block.
func (x *executor) WatchWrites(prefix string, written func(key string)) (stop func()) {
	w := &writeWatcher{prefix, written}
	x.writes.change(func(all []*writeWatcher) []*writeWatcher { return append(all, w) })
	writes := x.writes // not the executor
	return func() {
		writes.change(func(all []*writeWatcher) []*writeWatcher {
			return slices.DeleteFunc(all, func(other *writeWatcher) bool { return other == w })
		})
	}
}

func (w *writes) change(edit func([]*writeWatcher) []*writeWatcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*writeWatcher
	if old := w.watchers.Load(); old != nil {
		all = slices.Clone(*old)
	}
	if all = edit(all); len(all) == 0 {
		w.watchers.Store(nil)
	} else {
		w.watchers.Store(&all)
	}
}

// WritesWatched reports whether anybody is to be told of writes.
func (x *executor) WritesWatched() bool { return x.writes.watchers.Load() != nil }

// TellWrite tells of a write of a key: before it is sent and after it was answered.
func (x *executor) TellWrite(key string) {
	all := x.writes.watchers.Load()
	if all == nil {
		return
	}
	for _, w := range *all {
		if strings.HasPrefix(key, w.prefix) {
			w.written(key)
		}
	}
}
