package codectest

import (
	"runtime"
	"strings"
)

// allocated returns how many bytes f allocates in all: the least of three
// runs where the first seems to allocate much, because what other goroutines allocate
// in the meantime, and what is set up once, counts as well.
func allocated(f func()) uint64 {
	least := measure(f)
	for range 2 {
		if least <= 1<<20 {
			break
		}
		least = min(least, measure(f))
	}
	return least
}

func measure(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// shows reports whether the text of err, or of an error in it, holds the secret
// or all of a span.
func shows(err error, spans []span) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	if strings.Contains(text, secret) {
		return true
	}
	for _, s := range spans {
		// Shorter values are in many a text by chance.
		if len(s.value) >= 8 && strings.Contains(text, string(s.value)) {
			return true
		}
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return shows(err.Unwrap(), spans)
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			if shows(err, spans) {
				return true
			}
		}
	}
	return false
}
