package store

import (
	"sync"
	"testing"
	"time"
)

// Of two callers that find no window, the second one must not get that of the first if it
// began before that: it would wait longer than it may.
func TestWindowsOfCallersThatBeganApart(t *testing.T) {
	for range 5000 {
		p := patience{timeout: time.Minute}
		now := time.Now()
		var both sync.WaitGroup
		for _, began := range []time.Time{now, now.Add(-p.timeout / 3)} {
			both.Go(func() {
				if w := p.windowOf(began); w != nil && !w.has(began) {
					t.Errorf("a call that began %v ago may wait until %v from now", now.Sub(began), w.from.Add(p.timeout).Sub(now))
				}
			})
		}
		both.Wait()
	}
}
