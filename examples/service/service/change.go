package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asidecache/aside/examples/service/store"
)

// AddUser adds a user. It invalidates the id too: an earlier request for it may be cached as "does
// not exist".
func (s *Service) AddUser(ctx context.Context, name, email string) (store.User, error) {
	u, err := s.store.AddUser(ctx, name, email)
	if committed(err) && u.ID != 0 {
		s.invalidate(ctx, u.ID, s.users.Delete)
	}
	return u, err
}

// Rename changes the name of a user.
func (s *Service) Rename(ctx context.Context, id int64, name string) (store.User, error) {
	u, err := s.store.Rename(ctx, id, name)
	if committed(err) {
		s.invalidate(ctx, id, s.users.Delete)
	}
	return u, err
}

// PlaceOrder adds an order, which changes the orders and the points of its user.
func (s *Service) PlaceOrder(
	ctx context.Context, userID int64, item string, cents int64,
) (store.Order, error) {
	o, err := s.store.PlaceOrder(ctx, userID, item, cents)
	if committed(err) {
		s.invalidate(ctx, userID, s.users.Delete, s.orders.Delete)
	}
	return o, err
}

// committed reports whether a transaction was committed, or may have been. After one that was
// rolled back there is nothing to invalidate.
func committed(err error) bool { return err == nil || errors.Is(err, store.ErrCommit) }

// invalidationTime is how long a request waits for an invalidation, at most.
const invalidationTime = 2 * time.Second

// invalidate deletes an id from caches after the commit. Before the commit would be too early:
// another request could load the old row in between, and store it.
//
// The row has changed whether or not the client still waits, so the end of its request does not end
// the invalidation. A failed invalidation does not undo the change and is not an error of the
// request: the caches keep deleting by themselves until Redis acknowledges it, and do not use the
// entry in this process meanwhile.
func (s *Service) invalidate(
	ctx context.Context, id int64, deletes ...func(context.Context, ...int64) error,
) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), invalidationTime)
	defer cancel()
	for _, del := range deletes {
		if err := del(ctx, id); err != nil {
			s.log.WarnContext(ctx, "invalidation is late", slog.Int64("id", id), slog.Any("err", err))
		}
	}
}
