package servertest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// Values around the limits of the scripts and of the stages, with every kind of life,
// in both protocols.
func TestLeaseSizes(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, protocol := range []int{2, 3} {
			rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.Protocol = protocol })
			for _, ttl := range []time.Duration{time.Hour, cache.Forever, math.MaxInt64} {
				env.FlushAll(t)
				c := testcache.Open(t, rdb, cache.Config[string, string]{TTL: ttl, Name: "s"})
				for _, n := range []int{0, 1, 2047, 2048, 2049, 1 << 20} {
					key := fmt.Sprint(n, "}", ttl)
					v, err := c.GetOrSet(t.Context(), key, func(context.Context, string) (string, error) { return strings.Repeat("x", n), nil })
					if err != nil || len(v) != n {
						t.Errorf("%d bytes: %v", n, err)
					}
					testcache.WantGet(t, c, key, &v)
					v, err = c.Refresh(t.Context(), key, func(context.Context, string) (string, error) { return strings.Repeat("y", n), nil })
					if err != nil {
						t.Error(err)
					}
					testcache.WantGet(t, c, key, &v)
				}
				h := testcache.Open(t, rdb, cache.Config[string, map[string]string]{TTL: ttl, Name: "h", Codec: testcache.BigHash{}})
				for _, n := range []int{0, 1, 255, 256, 257, 999, 1000, 1001, 2500} {
					key := fmt.Sprint("{a}", n, ttl)
					m := map[string]string{}
					for i := range n {
						m[fmt.Sprint(i)] = ""
					}
					load := func(context.Context, string) (map[string]string, error) { return m, nil }
					for range 2 {
						v, err := h.GetOrSet(t.Context(), key, load)
						testcache.Want(t, "GetOrSet", v, err, m)
						testcache.WantGet(t, h, key, &m)
						m["more"] = "x"
						v, err = h.Refresh(t.Context(), key, load)
						testcache.Want(t, "Refresh", v, err, m)
						testcache.WantGet(t, h, key, &m)
					}
				}
				for _, key := range env.Keys(t) {
					if strings.HasPrefix(key, "aside:") {
						t.Errorf("%s is left", key)
					}
					if left := rdb.PTTL(t.Context(), key).Val(); (left == -1) != (ttl == cache.Forever) {
						t.Errorf("%s has the life %v, of %v", key, left, ttl)
					}
				}
			}
		}
	})
}
