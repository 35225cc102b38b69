package cookbook

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/loader"
)

// A Flag is read at each request and changes a few times a week.
type Flag struct {
	On      bool
	Percent int
}

// NewFlags keeps flags in process memory. Redis tells of each change, and a database that is down
// for a day changes nothing.
func NewFlags(rdb redis.UniversalClient, coherence cache.Coherence) (*cache.Cache[string, Flag], error) {
	return cache.New(rdb, cache.Config[string, Flag]{
		Name: "flag", TTL: time.Minute, StaleFor: 24 * time.Hour,
		Codec: codec.JSON[Flag](), // which a person reads in redis-cli
		Near:  cache.NearConfig{MaxEntries: 10_000, TTL: 30 * time.Second, Coherence: coherence},
	})
}

// IsOn reports whether a flag is on. A flag that does not exist is off, and so is one that nobody
// can be asked about.
func IsOn(ctx context.Context, flags *cache.Cache[string, Flag], name string, load loader.Func[string, Flag]) bool {
	f, err := flags.GetOrSet(ctx, name, load)
	return err == nil && f.On
}
