package cache_test

import (
	"fmt"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A key may be an interface that holds what Go cannot compare, if Config.Key makes a text of it:
// it is asked of Redis each time.
func TestNearKeysOfInterfaces(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		type key struct{ parts [1]any }
		c := open(t, env.Client, cache.Config[key, string]{
			Near: ttlOnly, Key: func(dst []byte, k key) []byte { return fmt.Append(dst, k.parts[0]) },
		})
		for _, tt := range []struct {
			part any
			then cache.Source
		}{{1, cache.Near}, {[]int{1, 2}, cache.Redis}} {
			k := key{[1]any{tt.part}}
			if err := c.Set(t.Context(), k, "v"); err != nil {
				t.Fatal(err)
			}
			wantSource(t, c, k, cache.Redis, cache.Present)
			wantSource(t, c, k, tt.then, cache.Present)
		}
	})
}
