package store

import (
	"time"

	"github.com/asidecache/aside/internal/client"
)

// A Delivery is what has become of a delete, see Redeliver.
type Delivery = client.Delivery

// Kinds of Delivery.
const (
	Delivered   = client.Delivered
	GivenUp     = client.GivenUp
	BypassBegan = client.BypassBegan
	BypassEnded = client.BypassEnded
)

// ErrUndelivered is why a key counts as not cached, see IsUndelivered.
var ErrUndelivered = client.ErrUndelivered

// Redeliver has the key deleted after a write that Redis did not acknowledge: as soon as it
// acknowledges the delete, or at least as long as Redis may hold what stands there now. Tell must
// not panic. It does nothing where Redis refuses control keys: no delete of a key is whole there.
func (s *Store) Redeliver(key string, lasts time.Duration, tell func(Delivery)) {
	if s.control.Cause() != nil {
		return
	}
	s.Client.Redeliver(client.Delete{
		Step: s.DeleteStep(key), Mark: s.family.Control(key), Replicas: s.Replicas(),
		Lasts: lasts, Tell: tell,
	})
}

// SetMissing makes an entry, which no command uses, that of a key of which nothing is known.
func (e *Entry) SetMissing() { e.State, e.TTL, e.Leased = Missing, 0, false }

// IsUndelivered reports whether a key, of whatever version, counts as not cached, as Redis has
// not acknowledged a write of it.
func (s *Store) IsUndelivered(key string) bool {
	return s.HasUndelivered() && s.Client.IsUndelivered(s.family.Control(key))
}
