package cookbook

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/hashmap"
)

// A Profile is cached as a hash: each field of the struct is a field of the hash.
type Profile struct {
	Name   string `redis:"name"`
	Email  string `redis:"email"`
	Logins int64  `redis:"logins"`
}

var (
	profile = hashmap.MustOf[Profile]()
	name    = cache.Must(hashmap.FieldOf[string](profile, "name"))
	email   = cache.Must(hashmap.FieldOf[string](profile, "email"))
)

// NewProfiles makes a cache of whole profiles, and a collection that changes single fields of them.
func NewProfiles(rdb redis.UniversalClient) (*cache.Cache[int64, Profile], *collection.Hash[int64, Profile], error) {
	whole, err := cache.New(rdb, cache.Config[int64, Profile]{Name: "profile", TTL: time.Hour, Codec: profile})
	if err != nil {
		return nil, nil, err
	}
	fields, err := collection.NewHash(rdb, collection.HashConfig[int64, Profile]{Name: "profile", TTL: time.Hour, Mapping: profile})
	if err != nil {
		return nil, nil, err
	}
	// IfCached writes nothing where no profile is cached: a field alone is not a profile.
	return whole, fields.With(collection.IfCached()), nil
}

// SetEmail changes one field, after the database has changed it.
func SetEmail(ctx context.Context, fields *collection.Hash[int64, Profile], id int64, to string) error {
	return fields.Set(ctx, id, email.To(to))
}

// NameOf reads one field by HMGET, and loads and stores the whole profile if it is not cached.
func NameOf(ctx context.Context, whole *cache.Cache[int64, Profile], id int64, load func(context.Context, int64) (Profile, error)) (string, error) {
	var n string
	_, err := whole.GetFields(ctx, id, load, name.Into(&n))
	return n, err
}
