package cookbook

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asidecache/aside/cache"
)

// GetUserRequest and its answer stand for what protoc makes.
type GetUserRequest struct{ ID int64 }

// UserServer answers calls from a cache.
type UserServer struct {
	Users *cache.Cache[int64, User]
	DB    Store
}

// GetUser answers one call.
func (s *UserServer) GetUser(ctx context.Context, r *GetUserRequest) (*User, error) {
	u, err := s.Users.GetOrSet(ctx, r.ID, s.DB.User)
	if err != nil {
		return nil, status.Error(CodeOf(err), "the user cannot be loaded")
	}
	return &u, nil
}

// CodeOf is the code of an error of a cache.
func CodeOf(err error) codes.Code {
	switch {
	case errors.Is(err, cache.ErrNotFound):
		return codes.NotFound
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	return codes.Unavailable
}
