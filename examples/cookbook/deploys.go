package cookbook

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// A UserV2 is the next form of User: the field of its name is another one.
type UserV2 struct {
	ID       int64
	FullName string
}

// NewUsersV2 is for the release that changes the struct. It makes its values from those that the
// previous release has stored, so that the deploy starts warm.
func NewUsersV2(rdb redis.UniversalClient) (*cache.Cache[int64, UserV2], error) {
	return cache.New(rdb, cache.Config[int64, UserV2]{
		Name: "user", TTL: 10 * time.Minute,
		Version: 1, // was 0: each release reads its own values, and deletes those of both
		Upgrade: cache.UpgradeFrom(codec.Msgpack[User](), func(u User) (UserV2, error) {
			return UserV2{ID: u.ID, FullName: u.Name}, nil
		}),
	})
}
