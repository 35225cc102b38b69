package cookbook

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
)

// A TenantUser is the key of a user. It has the tenant, so no user is served to another tenant.
type TenantUser struct {
	Tenant string
	ID     int64
}

// NewTenantUsers caches users as tenant-user:acme:42.
func NewTenantUsers(rdb redis.UniversalClient) (*cache.Cache[TenantUser, User], error) {
	return cache.New(rdb, cache.Config[TenantUser, User]{Name: "tenant-user", TTL: 10 * time.Minute})
}

// NewUsersOf caches the users of a tenant that has a Redis user of its own, with rights on the keys
// that begin with "acme:" and no others.
func NewUsersOf(rdb redis.UniversalClient, tenant string) (*cache.Cache[int64, User], error) {
	return cache.New(rdb, cache.Config[int64, User]{
		Name: tenant + ":user", ControlPrefix: tenant + ":aside:", TTL: 10 * time.Minute,
	})
}

// LoadTenantUser returns a loader that takes the tenant from the key, and never from the context.
func LoadTenantUser(query func(ctx context.Context, tenant string, id int64) (User, error)) func(context.Context, TenantUser) (User, error) {
	return func(ctx context.Context, key TenantUser) (User, error) { return query(ctx, key.Tenant, key.ID) }
}
