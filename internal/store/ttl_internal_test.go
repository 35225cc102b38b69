package store

import (
	"math"
	"testing"
	"time"
)

// Other programs may have given a key a TTL that is longer than any Duration.
func TestRemaining(t *testing.T) {
	const century = 100 * 365 * 24 * time.Hour
	for ms, want := range map[int64]time.Duration{
		-2: 0, -1: Forever, 0: 0, 1500: 1500 * time.Millisecond, century.Milliseconds(): century,
	} {
		if got := remaining(ms); got != want {
			t.Errorf("%d ms: %v, want %v", ms, got, want)
		}
	}
	for _, ms := range []int64{1 << 62, math.MaxInt64} {
		if got := remaining(ms); got < 2*century {
			t.Errorf("%d ms: %v", ms, got)
		}
	}
}
