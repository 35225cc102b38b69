package console

import (
	"testing"
	"time"
)

// A duration is in the class that ends with it or after it, by an eighth at most.
func TestClasses(t *testing.T) {
	for d := time.Duration(1); d < 10*time.Minute; d += d/17 + 1 {
		c := class(d)
		if end := longest(c); end < d || end > d+d/8+128 {
			t.Fatalf("%v is in class %d, which ends with %v", d, c, end)
		}
		if c > 0 && longest(c-1) >= d {
			t.Fatalf("%v is in class %d, and fits the one before", d, c)
		}
	}
	if c := class(-1); c != 0 {
		t.Errorf("class %d", c)
	}
	if c := class(1 << 62); c != len(bank{})-1 {
		t.Errorf("class %d", c)
	}
}

// Quantiles are of the last five to ten seconds.
func TestQuantiles(t *testing.T) {
	now := time.Now()
	l := &latency{turned: now}
	for i := range 100 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	check := func(after time.Duration, count int64, p50, p99 time.Duration) {
		t.Helper()
		q := l.quantiles(now.Add(after))
		near := func(got int64, want time.Duration) bool {
			return got >= int64(want) && got <= int64(want+want/8)
		}
		if q.Count != count || !near(q.P50, p50) || !near(q.P99, p99) {
			t.Errorf("after %v: %+v, want %d, %v, %v", after, q, count, p50, p99)
		}
	}
	check(0, 100, 50*time.Millisecond, 99*time.Millisecond)
	check(span, 100, 50*time.Millisecond, 99*time.Millisecond)
	l.add(time.Second)
	check(span+1, 101, 51*time.Millisecond, 100*time.Millisecond)
	check(2*span, 1, time.Second, time.Second)
	check(3*span, 0, 0, 0)
	l.add(time.Second)
	check(10*span, 0, 0, 0)
}
