package protocol

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"

	"github.com/asidecache/aside/internal/client"
)

// A missPredictor guesses which calls Redis has nothing for. These ask for the lease at once:
// the plain read before it would be a round trip for nothing. A short string that is there all the
// same comes with the answer.
type missPredictor struct {
	deleted *deletions
	missing atomic.Uint64 // the rate of misses, a moving average as in math.Float64bits
	inARow  atomic.Uint32 // misses since the last hit

	mu   sync.Mutex
	hits uint64 // that missing knows of
}

// The deletions are hashes of keys that this process has deleted and not asked for since: of all
// engines on a client, whose keys are different ones.
type deletions [4096]atomic.Uint64

var deletionsOf client.Table[deletions]

const (
	// The rates of misses from which on a miss is predicted. The lower one is for calls for one key
	// while no commands share pipelines: a right guess saves such a call a round trip, and a wrong
	// one costs it next to nothing.
	predictedFrom      = 0.8
	predictedAloneFrom = 0.5

	rateWeight = 1.0 / 64 // of the latest call in the average

	// After so many misses in a row a miss is predicted as well, until the next hit: the callers of
	// a client may be spread over many caches, each of which has few calls to learn from.
	predictedAfter = 8
)

// PredictsMiss reports whether a call can do without the plain read: Redis is likely to have
// nothing, and will be asked more closely before a load. But what is there does not wait for a
// flight under way.
func (e *Engine) PredictsMiss(key string) bool { return e.predictsMiss(key, predictedFrom) }

// PredictsMissOfOne is PredictsMiss for a call for one key.
func (e *Engine) PredictsMissOfOne(key string) bool {
	switch {
	case e.predictor.inARow.Load() >= predictedAfter:
		return !e.flights.UnderWay(key)
	case e.Store.SharesPipelines():
		return e.predictsMiss(key, predictedFrom)
	}
	return e.predictsMiss(key, predictedAloneFrom)
}

func (e *Engine) predictsMiss(key string, from float64) bool {
	return e.predictor.predicts(key, from) && !e.flights.UnderWay(key)
}

// predicts reports whether the key is likely not to be in Redis, as every key is from a rate of
// misses on.
func (p *missPredictor) predicts(key string, from float64) bool {
	if p.always(from) {
		return true
	}
	hash := maphash.String(keySeed, key)
	slot := &p.deleted[hash%uint64(len(p.deleted))]
	return slot.Load() == hash && slot.CompareAndSwap(hash, 0)
}

// always reports whether so much is missing that no read is worth while.
func (p *missPredictor) always(from float64) bool {
	return math.Float64frombits(p.missing.Load()) > from
}

// Learn takes into account what a lookup has found, after so many hits in all. Hits count at
// once only while every call is predicted to miss; otherwise the next miss makes up for them.
func (e *Engine) Learn(s State, hits uint64) {
	miss := s == Missing || s == Absent
	if s != Unknown && (miss || e.predictor.always(predictedAloneFrom) || e.predictor.inARow.Load() >= predictedAfter) {
		e.predictor.record(miss, hits)
	}
}

func (p *missPredictor) record(miss bool, hits uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := max(hits, p.hits) - p.hits
	p.hits += since
	rate := math.Float64frombits(p.missing.Load()) * math.Pow(1-rateWeight, float64(since))
	if since > 0 || !miss {
		p.inARow.Store(0)
	}
	if miss {
		rate += (1 - rate) * rateWeight
		p.inARow.Add(1)
	}
	p.missing.Store(math.Float64bits(rate))
}

// LearnDeleted and LearnStored take into account what this process has done to a key.
func (e *Engine) LearnDeleted(key string) {
	hash := maphash.String(keySeed, key)
	e.predictor.deleted[hash%uint64(len(e.predictor.deleted))].Store(hash)
}

// LearnStored is LearnDeleted for a key that has been stored.
func (e *Engine) LearnStored(key string) {
	hash := maphash.String(keySeed, key)
	e.predictor.deleted[hash%uint64(len(e.predictor.deleted))].CompareAndSwap(hash, 0)
}
