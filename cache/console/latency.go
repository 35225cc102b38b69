package console

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// A latency counts durations of the last seconds. It is safe for concurrent use; to add one is an
// atomic addition.
type latency struct {
	banks   [2]bank
	current atomic.Uint32 // the bank that counts

	mu     sync.Mutex // guards turned
	turned time.Time  // when the current bank began
}

// span is how long a bank counts: what is told is of the last one to two spans.
const span = 5 * time.Second

// A bank counts durations by size: eight classes for each power of two, so that a class is at most
// an eighth wide, from 64 ns to 18 minutes.
type bank [264]atomic.Uint32

const unit = 6 // the logarithm of the nanoseconds of the first class

func class(d time.Duration) int {
	v := uint64(max(d, 0)) >> unit
	e := max(bits.Len64(v)-4, 0)
	return min(8*e+int(v>>e), len(bank{})-1)
}

// longest returns the longest duration of a class.
func longest(class int) time.Duration {
	e := max(class/8-1, 0)
	v := uint64(class - 8*e)
	return time.Duration((v+1)<<(e+unit) - 1)
}

func (l *latency) add(d time.Duration) { l.banks[l.current.Load()%2][class(d)].Add(1) }

// quantiles returns the durations that a half and that 99 of 100 of those of the last seconds did
// not exceed, and how many there were.
func (l *latency) quantiles(now time.Time) (q quantiles) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	var counts bank
	for b := range l.banks {
		for i := range counts {
			n := l.banks[b][i].Load()
			counts[i].Add(n)
			q.Count += int64(n)
		}
	}
	q.P50, q.P99 = counts.at(q.Count, 50), counts.at(q.Count, 99)
	return q
}

// turn begins the next bank if it is time. Called with mu held.
func (l *latency) turn(now time.Time) {
	age := now.Sub(l.turned)
	if age < span {
		return
	}
	next := (l.current.Load() + 1) % 2
	l.banks[next].clear()
	if age >= 2*span { // nobody has asked for long
		l.banks[1-next].clear()
	}
	l.current.Store(next)
	l.turned = now
}

func (b *bank) clear() {
	for i := range b {
		b[i].Store(0)
	}
}

// at returns the duration that so many of a hundred do not exceed.
func (b *bank) at(count int64, percent int64) int64 {
	rank := (count*percent + 99) / 100
	for i := range b {
		if rank -= int64(b[i].Load()); rank <= 0 && count > 0 {
			return int64(longest(i))
		}
	}
	return 0
}

// quantiles are of the last seconds, in nanoseconds.
type quantiles struct {
	P50   int64 `json:"p50_ns"`
	P99   int64 `json:"p99_ns"`
	Count int64 `json:"count"`
}
