package client

import (
	"math"
	"sync/atomic"
)

// An average is a moving one, of sizes in bytes. It is a guess that callers may share: of two
// sizes that are noted at one moment it may take one.
type average struct{ bits atomic.Uint64 }

func (a *average) bytes() float64 { return math.Float64frombits(a.bits.Load()) }

// add notes a size, which replaces this share of the average.
func (a *average) add(size, weight float64) {
	now := a.bytes()
	a.bits.Store(math.Float64bits(now + weight*(size-now)))
}
