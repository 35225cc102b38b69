package fleet

import (
	"context"
	"time"

	"github.com/asidecache/aside/cache"
)

// sawBreaker tells, when Redis answers again, since when it did not: of the calls that are not
// sent meanwhile the cache tells few.
func (w *worker) sawBreaker(_ context.Context, e cache.BreakerEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[string]instant{}
	}
	if e.State == cache.BreakerOpen {
		w.open[e.Server] = now().add(-time.Since(e.Since))
		return
	}
	w.tellOpen(w.open[e.Server])
	delete(w.open, e.Server)
}

// closeBreakers tells of those that are open when the worker ends.
func (w *worker) closeBreakers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, since := range w.open {
		w.tellOpen(since)
	}
}

func (w *worker) tellOpen(since instant) {
	w.journal.tell(event{kind: failure, key: noKey, span: span{since, now()}})
}
