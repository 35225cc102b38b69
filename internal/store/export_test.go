package store

import (
	"context"

	"github.com/asidecache/aside/internal/client"
)

// Crowd makes the store send its commands as it does while many are in flight.
func (s *Store) Crowd() { s.ForTests().ManyInFlight() }

// KnowMasters makes the store send reads to the masters of a cluster, as it does once the
// client knows these.
func (s *Store) KnowMasters() { s.ForTests().KnowMasters() }

// AsksMasters reports whether it would do so for a key.
func (s *Store) AsksMasters(ctx context.Context, key string) bool {
	return s.ForTests().AsksMasters(ctx, key)
}

// MaxSenders is how many shared pipelines of small answers can be under way.
var MaxSenders = client.ForTests{}.MaxSenders()
