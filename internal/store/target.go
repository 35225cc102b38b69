package store

import (
	"context"
	"time"
)

// A Target is where a load stores what it has found, or not. Each method is one
// round trip and reports false when the load was not permitted to store.
type Target interface {
	// Store replaces what the key holds by the value of e, for ttl or Forever.
	Store(ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration) (stored bool, err error)
	// StoreAbsent removes the value and notes for ttl that the source has none.
	StoreAbsent(ctx context.Context, deadline time.Time, ttl time.Duration) (stored bool, err error)
	// StoreNothing removes the value.
	StoreNothing(ctx context.Context, deadline time.Time) (done bool, err error)
}

// Unleased returns the target of a load without a lease: it may always store.
func (s *Store) Unleased(key string) Target { return unleased{s, key} }

type unleased struct {
	store *Store
	key   string
}

func (u unleased) Store(ctx context.Context, deadline time.Time, e *Entry, ttl time.Duration) (bool, error) {
	return true, u.store.Put(ctx, deadline, u.key, e, ttl)
}

func (u unleased) StoreAbsent(ctx context.Context, deadline time.Time, ttl time.Duration) (bool, error) {
	return true, u.store.PutAbsent(ctx, deadline, u.key, ttl)
}

func (u unleased) StoreNothing(ctx context.Context, deadline time.Time) (bool, error) {
	return true, u.store.Delete(ctx, deadline, []string{u.key})[0]
}
