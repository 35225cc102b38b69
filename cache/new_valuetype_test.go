package cache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// Bytes do not tell which type an interface with methods held: New refuses such a V.
func TestInterfaceValuesAreRefused(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // New sends nothing
	defer rdb.Close()
	for name, c := range map[string]codec.Codec[error]{"the default": nil, "JSON": codec.JSON[error](), "Msgpack": codec.Msgpack[error]()} {
		_, err := cache.New(rdb, cache.Config[string, error]{Name: "errs", TTL: time.Minute, Codec: c})
		if err == nil || !strings.Contains(err.Error(), "cannot tell which type to read a error as; use a concrete type") {
			t.Errorf("with %s codec: %v", name, err)
		}
	}
}
