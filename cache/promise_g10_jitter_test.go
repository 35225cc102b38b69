package cache_test

import (
	"math"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// Jitter spreads TTLs evenly over the fraction that it was given, downwards only.
func TestG10Jitter(t *testing.T) {
	for _, test := range []struct {
		jitter, fraction float64
	}{{0, 0.1}, {0.5, 0.5}, {1, 1}, {-1, 0}, {math.Inf(-1), 0}, {1e-9, 1e-9}} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			const ttl = 1000 * time.Second
			var r recorder
			c := open(t, env.Client, cache.Config[int, string]{TTL: ttl, Jitter: test.jitter, AbsentTTL: ttl, Observer: r.observer()})
			const keys = 1000
			for i := range keys {
				if err := c.Set(t.Context(), i, "v"); err != nil {
					t.Fatal(err)
				}
			}
			least := ttl - time.Duration(test.fraction*float64(ttl)) - time.Millisecond
			var sum time.Duration
			halves := [2]int{}
			for _, e := range r.take().writes {
				if real := env.Mini.TTL(e.Key); real != e.TTL {
					t.Fatalf("Redis has a TTL of %v, the event said %v", real, e.TTL)
				}
				if e.TTL > ttl || e.TTL < least || e.TTL < time.Millisecond {
					t.Fatalf("Jitter %v: a TTL of %v became %v", test.jitter, ttl, e.TTL)
				}
				sum += e.TTL
				if e.TTL > ttl-time.Duration(test.fraction/2*float64(ttl)) {
					halves[0]++
				} else {
					halves[1]++
				}
			}
			// 1,000 throws of a fair coin are beyond 400 and 600 less than once in 10^9 times.
			if test.fraction > 1e-6 && (halves[0] < 400 || halves[1] < 400) {
				t.Errorf("Jitter %v: %d TTLs in the upper half, %d in the lower", test.jitter, halves[0], halves[1])
			}
			if test.fraction == 0 && sum != keys*ttl {
				t.Errorf("Jitter %v: TTLs of %v on average, want %v each", test.jitter, sum/keys, ttl)
			}
		})
	}
}

// The shortest TTL stays what it is; a shorter one is refused, nowhere rounded up.
func TestG10ShortestTTL(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{TTL: time.Millisecond, Jitter: 1})
		for range 100 {
			if err := c.Set(t.Context(), "k", "v"); err != nil {
				t.Fatal(err)
			}
			if ttl := env.Mini.TTL(c.RedisKey("k")); ttl != time.Millisecond {
				t.Fatalf("a TTL of 1ms became %v", ttl)
			}
		}
		if err := c.Set(t.Context(), "k", "v", cache.TTL(1999*time.Microsecond)); err != nil {
			t.Fatal(err)
		}
		if ttl := env.Mini.TTL(c.RedisKey("k")); ttl != time.Millisecond {
			t.Errorf("a TTL of 1.999ms became %v, want no more than it was", ttl)
		}
		for _, d := range []time.Duration{0, 1, time.Millisecond - 1, -2, math.MinInt64} {
			if err := c.Set(t.Context(), "k", "v", cache.TTL(d)); err == nil {
				t.Errorf("Set with TTL(%v) gives no error", d)
			}
			if d == 0 {
				continue
			}
			if _, err := cache.New(env.Client, cache.Config[string, string]{Name: "test", TTL: d}); err == nil {
				t.Errorf("New with a TTL of %v gives no error", d)
			}
		}
	})
}

// The longest TTL that a duration can hold is no mistake.
func TestG10LongestTTL(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{TTL: math.MaxInt64, Jitter: -1, AbsentTTL: math.MaxInt64})
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		e, err := c.Entry(t.Context(), "k")
		if year := 365 * 24 * time.Hour; err != nil || e.TTL < 290*year {
			t.Errorf("Entry = %+v, %v, want a TTL of 292 years", e, err)
		}
		if err := c.SetAbsent(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		wantState(t, c, "k", cache.Absent)
	})
}
