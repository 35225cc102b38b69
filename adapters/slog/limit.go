package asideslog

import (
	"sync"
	"time"
)

// A kind is what is counted together: a message of a cache.
type kind struct{ cache, message string }

// A limit tells when a record of a kind is due again.
type limit struct {
	every time.Duration

	mu    sync.Mutex
	kinds map[kind]*lately
}

// lately is when a kind was logged, and how many records were left out since.
type lately struct {
	logged time.Time
	left   int
}

// due reports whether a record is to be logged now, and how many were left out before it.
func (l *limit) due(k kind, now time.Time) (due bool, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.kinds[k]
	if last == nil {
		if l.kinds == nil {
			l.kinds = make(map[kind]*lately)
		}
		l.kinds[k] = &lately{logged: now}
		return true, 0
	}
	if now.Sub(last.logged) < l.every {
		last.left++
		return false, 0
	}
	left = last.left
	*last = lately{logged: now}
	return true, left
}
