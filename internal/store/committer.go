package store

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/client"
)

// A Committer is where a load stores what it has found, or not. Each method is one
// round trip and reports false when the load was not permitted to store.
type Committer interface {
	// Store replaces what the key holds by the value of e, for ttl or Forever.
	Store(ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration) (stored bool, err error)
	// StoreAbsent removes the value and says for ttl that the source has none.
	StoreAbsent(ctx context.Context, deadline time.Time, ttl time.Duration) (stored bool, err error)
	// StoreNothing removes the value.
	StoreNothing(ctx context.Context, deadline time.Time) (done bool, err error)
}

// Leaseless returns the target of a load without a lease: it may always store. The values of
// neighbouring versions stay.
func (s *Store) Leaseless(key string) Committer { return leaseless{s, key, true} }

// Unconditional returns the target of a write, for CommitAll: what it stores is what Put,
// PutAbsent and Delete do.
func (s *Store) Unconditional(key string) Committer { return leaseless{s, key, false} }

type leaseless struct {
	store  *Store
	key    string
	leaves bool // the values of neighbouring versions stay
}

func (u leaseless) Store(
	ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration,
) (bool, error) {
	if u.leaves {
		if tried, err := u.store.fill(ctx, deadline, u.key, e, ttl); tried {
			return err == nil, err
		}
	}
	return true, u.store.put(ctx, deadline, u.valueStep(e, ttl))
}

func (u leaseless) StoreAbsent(
	ctx context.Context, deadline time.Time, ttl time.Duration,
) (bool, error) {
	return true, u.store.put(ctx, deadline, u.absentStep(ttl))
}

func (u leaseless) StoreNothing(ctx context.Context, deadline time.Time) (bool, error) {
	steps := []client.Step{u.step(u.store.DeleteStep(u.key))}
	return true, u.store.remove(ctx, deadline, steps)[0]
}

func (u leaseless) valueStep(e *Entry, ttl time.Duration) *Write {
	return u.step(u.store.PutStep(u.key, e, ttl))
}

func (u leaseless) absentStep(ttl time.Duration) *Write {
	return u.step(u.store.PutAbsentStep(u.key, ttl))
}

func (u leaseless) step(w *Write) *Write {
	w.leaves = u.leaves
	// A load is not sent again when its answer is lost: a newer write may have come meanwhile.
	w.once = u.leaves && w.sc != nil
	return w
}
