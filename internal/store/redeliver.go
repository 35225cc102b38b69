package store

import (
	"context"
	"errors"
	"time"
	"weak"

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

// A FailedWrite is one that Redis has not acknowledged.
type FailedWrite struct {
	Cause  error
	Stores bool           // it stores something, which may still be on its way
	Lasts  time.Duration  // how long Redis may hold what stands there now
	Tell   func(Delivery) // is called once; it must not panic
}

// Redeliver has the key deleted after a write has failed: until Redis acknowledges the delete, or
// at least as long as it may hold what stands there now.
//
// Where Redis refuses control keys it is the values that are deleted, and nobody knows what the
// control key says. A write that has done as much is not followed by a delete.
func (s *Store) Redeliver(key string, w FailedWrite) {
	if errors.Is(w.Cause, errNoControl) {
		return
	}
	d := s.deleteLater(key)
	d.Lasts, d.Tell, d.Unsettled = w.Lasts, w.Tell, w.Stores && !client.IsRefused(w.Cause)
	s.Client.Redeliver(d)
	s.Written(key) // what was read until now is answered by no near cache
}

// Awaiting returns how many deletes of the store are to be delivered.
func (s *Store) Awaiting() int { return s.UndeliveredBy(s.deleter) }

// AwaitDelivery has these sent now, and waits until none is left or ctx has ended.
func (s *Store) AwaitDelivery(ctx context.Context) { s.Client.AwaitDelivery(ctx, s.deleter) }

// Unsettle has the key deleted a few times, if something that has failed by a cause may still be
// stored. The key is cached meanwhile.
func (s *Store) Unsettle(key string, cause error) {
	if !client.IsRefused(cause) {
		s.Client.Unsettle(s.deleteLater(key))
	}
}

// deleteLater is the delete of a key that the client is to send.
func (s *Store) deleteLater(key string) client.Delete {
	replicas := s.Replicas()
	if s.control.Cause() != nil {
		replicas = 0 // to wait for them takes a key beside the control key
	}
	return client.Delete{
		Key: key, Step: func() client.Step { return deliveryStep{s.DeleteStep(key), s} },
		Mark: s.family.Control(key), Replicas: replicas, Prefix: s.family.Prefix(), By: s.deleter,
	}
}

// Record notes that Redis has acknowledged a write of a key, which is deleted if that is forgotten.
func (s *Store) Record(key string) { s.Client.Record(key, s.deleter) }

// A deleter makes deletes for a store, for as long as that is there.
type deleter struct{ of weak.Pointer[Store] }

// Delete is part of [client.Deleter].
func (d deleter) Delete(key string) (client.Delete, bool) {
	s := d.of.Value()
	if s == nil {
		return client.Delete{}, false
	}
	return s.deleteLater(key), true
}

// A deliveryStep is a delete that is content with the values where the control key is refused, and
// that tells of itself.
type deliveryStep struct {
	*Write
	store *Store
}

// Answered is part of [client.Step].
func (d deliveryStep) Answered(
	ctx context.Context, c *client.Client, cmds []*client.Command,
) error {
	defer d.store.Written(d.Keys()...)
	err := d.Write.Answered(ctx, c, cmds)
	if errors.Is(err, errNoControl) {
		return nil
	}
	return err
}

// SetMissing makes an entry, which no command uses, that of a key of which nothing is known.
func (e *Entry) SetMissing() { e.State, e.TTL, e.Leased = Missing, 0, false }

// IsUndelivered reports whether a key, of whatever version, counts as not cached, as Redis has
// not acknowledged a write of it.
func (s *Store) IsUndelivered(key string) bool {
	return s.HasUndelivered() && s.Client.IsUndelivered(s.family.Control(key))
}
