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

// NewFlags keeps flags in process memory. Redis reports each change, and while the database is down
// the flags keep their values for a day.
func NewFlags(rdb redis.UniversalClient, coherence cache.Coherence) (*cache.Cache[string, Flag], error) {
	return cache.New(rdb, cache.Config[string, Flag]{
		Name: "flag", TTL: time.Minute, StaleFor: 24 * time.Hour,
		Codec: codec.JSON[Flag](), // readable in redis-cli
		Near:  cache.NearConfig{MaxEntries: 10_000, TTL: 30 * time.Second, Coherence: coherence},
	})
}

// IsOn reports whether a flag is on. A flag that does not exist, or that cannot be loaded, is off.
func IsOn(ctx context.Context, flags *cache.Cache[string, Flag], name string, load loader.Func[string, Flag]) bool {
	f, err := flags.GetOrSet(ctx, name, load)
	return err == nil && f.On
}
