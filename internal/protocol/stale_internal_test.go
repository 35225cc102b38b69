package protocol

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A simulated key: what its readers meet over many lives, by arithmetic alone.
type simulation struct {
	ttl, load time.Duration
	reads     float64 // a second, at random
	stale     bool    // StaleFor is set
	early     bool    // and XFetch is used
}

// counts are what a simulation has seen.
type counts struct {
	lives    int     // times that the value was loaded
	turned   int     // lives in which a reader came after the TTL
	waits    int     // reads that waited for a load
	old      int     // reads that got a stale value
	perLife  float64 // loads for each TTL that has passed
	earliest time.Duration
}

func (s simulation) run(seed uint64, lives int) (f counts) {
	random := rand.New(rand.NewPCG(seed, 1))
	next := func() time.Duration { return time.Duration(random.ExpFloat64() / s.reads * float64(time.Second)) }
	now, born := time.Duration(0), time.Duration(0)
	for f.lives = 0; f.lives < lives; f.lives++ {
		now = max(now, born+s.ttl-40*s.load) // before that XFetch has a chance of e^-40 a read
		var loaded time.Duration             // when the load that a reader has begun ends; 0: none has
		for {
			now += next()
			if loaded > 0 && now >= loaded {
				break
			}
			left := s.ttl - (now - born)
			over := left <= 0
			switch {
			case over && !s.stale:
				f.waits++
			case over:
				f.old++
			}
			if loaded > 0 {
				continue
			}
			switch {
			case over:
				f.turned++
				loaded = now + s.load
			case s.early && isEarly(left, s.load, random.Float64()):
				loaded = now + s.load
				f.earliest = max(f.earliest, left)
			}
		}
		born = loaded
	}
	f.perLife = float64(f.lives) / (float64(now) / float64(s.ttl))
	return f
}

// XFetch keeps a hot key from turning stale, at the cost of loads that are few. Without StaleFor
// every life ends with readers that wait.
func TestEarlyRefreshSimulation(t *testing.T) {
	const lives = 4000
	for _, reads := range []float64{1, 10, 100, 1000} {
		load, ttl := 50*time.Millisecond, time.Minute
		plain := simulation{ttl: ttl, load: load, reads: reads}
		kept := plain
		kept.stale = true
		early := kept
		early.early = true
		p, k, e := plain.run(1, lives), kept.run(1, lives), early.run(1, lives)
		t.Logf("%5.0f reads/s, load %v, TTL %v: per 1,000 lives: waits %.0f without StaleFor, 0 with; stale reads %.0f, by XFetch %.1f; lives that turn stale %.1f; loads %+.2f %%, the earliest %v before its time",
			reads, load, ttl, per1000(p.waits, lives), per1000(k.old, lives), per1000(e.old, lives),
			per1000(e.turned, lives), 100*(e.perLife/k.perLife-1), e.earliest.Round(time.Millisecond))
		if k.waits != 0 || e.waits != 0 || p.waits < lives {
			t.Errorf("waits: %d without StaleFor, %d and %d with it", p.waits, k.waits, e.waits)
		}
		// A key that is read n times in the time of a load turns stale with probability e^-n.
		wanted := math.Exp(-reads * load.Seconds())
		got := float64(e.turned) / lives
		if deviation := 5 * math.Sqrt(wanted/lives); math.Abs(got-wanted) > deviation {
			t.Errorf("%v reads a second: %v of the lives turn stale, want %v ± %v", reads, got, wanted, deviation)
		}
		if extra := e.perLife/k.perLife - 1; extra > 0.02 {
			t.Errorf("%v reads a second: %.3f loads more for each one", reads, extra)
		}
	}
}

func per1000(n, lives int) float64 { return 1000 * float64(n) / float64(lives) }

func TestIsEarly(t *testing.T) {
	for _, tt := range []struct {
		remaining, load time.Duration
		random          float64
		want            bool
	}{
		{time.Second, time.Second, 0, false},
		{time.Second, time.Second, 0.63, false}, // 1 - 1/e = 0.632
		{time.Second, time.Second, 0.64, true},
		{2 * time.Second, time.Second, 0.86, false}, // 1 - 1/e² = 0.865
		{2 * time.Second, time.Second, 0.87, true},
		{time.Nanosecond, 0, 0.999, false}, // nothing was loaded yet
		{time.Hour, time.Second, math.Nextafter(1, 0), false},
	} {
		if got := isEarly(tt.remaining, tt.load, tt.random); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// The average follows the loads, and begins with the first.
func TestLoadTime(t *testing.T) {
	var f refreshes
	if f.loadTime() != 0 {
		t.Error("a load time before the first load")
	}
	f.took(time.Second)
	if got := f.loadTime(); got != time.Second {
		t.Errorf("after one load of a second: %v", got)
	}
	for range 100 {
		f.took(100 * time.Millisecond)
	}
	if got := f.loadTime(); got < 100*time.Millisecond || got > 101*time.Millisecond {
		t.Errorf("after a hundred loads of 100ms: %v", got)
	}
}

// What is remembered of keys is bounded, and what is about to be of no use is forgotten first.
func TestRememberedRefreshesAreBounded(t *testing.T) {
	var f refreshes
	began := time.Now()
	for i := range 3 * maxRemembered {
		if !f.begin(fmt.Sprint(i), began, time.Minute) {
			t.Fatal("a refresh may not begin that is the first of its key")
		}
		f.end(fmt.Sprint(i), i%2 == 0, 0)
	}
	if n := len(f.last); n != maxRemembered {
		t.Errorf("%d keys are remembered, want %d", n, maxRemembered)
	}
	failed := 0
	for _, l := range f.last {
		if l.failures > 0 {
			failed++
		}
	}
	if failed < maxRemembered*3/4 {
		t.Errorf("of %d keys %d have failed: others were to be forgotten first", maxRemembered, failed)
	}
}

// A refresh of a key keeps others from beginning, and what a lookup has found that began before
// its end says nothing.
func TestRefreshPermits(t *testing.T) {
	var f refreshes
	before := time.Now()
	if !f.begin("k", before, time.Minute) || f.begin("k", before, time.Minute) || f.permits("k", time.Now()) {
		t.Error("a refresh begins while another one is under way")
	}
	f.withdraw("k")
	if !f.begin("k", time.Now(), time.Minute) {
		t.Error("one that was withdrawn holds others up")
	}
	f.end("k", false, 0)
	if f.permits("k", before) || !f.permits("k", time.Now().Add(time.Nanosecond)) {
		t.Error("a lookup that began before the end counts, or a later one does not")
	}
	f.end("k", false, time.Minute)
	if f.permits("k", time.Now().Add(time.Second)) {
		t.Error("another process's lease is not remembered")
	}
}
