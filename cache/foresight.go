package cache

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
)

// foresight guesses which calls Redis has nothing for. These ask for the lease at
// once: the plain read before it would be a round trip for nothing.
type foresight struct {
	deleted [1024]atomic.Uint64 // hashes of keys that this process has deleted, and not asked for since
	missing atomic.Uint64       // the rate of misses, a moving average as of math.Float64bits

	mu   sync.Mutex
	hits uint64 // that missing knows of
}

const (
	foreseenFrom = 0.8      // the rate of misses from which on a miss is foreseen
	rateWeight   = 1.0 / 64 // of the latest call in the average
)

var foresightSeed = maphash.MakeSeed()

// miss reports whether the key is likely not to be in Redis.
func (f *foresight) miss(key string) bool {
	if f.always() {
		return true
	}
	hash := maphash.String(foresightSeed, key)
	slot := &f.deleted[hash%uint64(len(f.deleted))]
	return slot.Load() == hash && slot.CompareAndSwap(hash, 0)
}

// always reports whether so much is missing that no read is worth while.
func (f *foresight) always() bool { return math.Float64frombits(f.missing.Load()) > foreseenFrom }

// saw notes what a call has found, after so many hits in all. Hits need to be noted
// only when always is true; at other times the next miss makes up for them.
func (f *foresight) saw(miss bool, hits uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	since := max(hits, f.hits) - f.hits
	f.hits += since
	rate := math.Float64frombits(f.missing.Load()) * math.Pow(1-rateWeight, float64(since))
	if miss {
		rate += (1 - rate) * rateWeight
	}
	f.missing.Store(math.Float64bits(rate))
}

// wasDeleted and wasStored note what this process has done to a key.
func (f *foresight) wasDeleted(key string) {
	hash := maphash.String(foresightSeed, key)
	f.deleted[hash%uint64(len(f.deleted))].Store(hash)
}

func (f *foresight) wasStored(key string) {
	hash := maphash.String(foresightSeed, key)
	f.deleted[hash%uint64(len(f.deleted))].CompareAndSwap(hash, 0)
}
