package store

import "context"

// Crowd makes the store send its commands as it does while many are in flight.
func (s *Store) Crowd() { s.inFlight.count.Add(2 * pipelineAbove) }

// KnowMasters makes the store send reads to the masters of a cluster, as it does once the
// client knows these.
func (s *Store) KnowMasters() { s.masters.known.Store(true) }

// AsksMasters reports whether it would do so for a key.
func (s *Store) AsksMasters(ctx context.Context, key string) bool {
	return s.masters.of(ctx, key) != nil
}

// MaxSenders is how many shared pipelines of small answers can be under way.
const MaxSenders = maxSenders
