package cache_test

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
)

// Values around the limits of the scripts and of the stages, with every kind of life,
// in both protocols.
func TestLeaseSizes(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, protocol := range []int{2, 3} {
			rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.Protocol = protocol })
			for _, ttl := range []time.Duration{time.Hour, cache.Forever, math.MaxInt64} {
				env.FlushAll(t)
				c := open(t, rdb, cache.Config[string, string]{TTL: ttl, Name: "s"})
				for _, n := range []int{0, 1, 2047, 2048, 2049, 1 << 20} {
					key := fmt.Sprint(n, "}", ttl)
					v, err := c.GetOrSet(t.Context(), key, func(context.Context, string) (string, error) { return strings.Repeat("x", n), nil })
					if err != nil || len(v) != n {
						t.Errorf("%d bytes: %v", n, err)
					}
					wantGet(t, c, key, &v)
					v, err = c.Refresh(t.Context(), key, func(context.Context, string) (string, error) { return strings.Repeat("y", n), nil })
					if err != nil {
						t.Error(err)
					}
					wantGet(t, c, key, &v)
				}
				h := open(t, rdb, cache.Config[string, map[string]string]{TTL: ttl, Name: "h", Codec: bigHash{}})
				for _, n := range []int{0, 1, 255, 256, 257, 999, 1000, 1001, 2500} {
					key := fmt.Sprint("{a}", n, ttl)
					m := map[string]string{}
					for i := range n {
						m[fmt.Sprint(i)] = ""
					}
					load := func(context.Context, string) (map[string]string, error) { return m, nil }
					for range 2 {
						v, err := h.GetOrSet(t.Context(), key, load)
						want(t, "GetOrSet", v, err, m)
						wantGet(t, h, key, &m)
						m["more"] = "x"
						v, err = h.Refresh(t.Context(), key, load)
						want(t, "Refresh", v, err, m)
						wantGet(t, h, key, &m)
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

// What a failed test says of a long value is short, and tells two of one length apart.
func TestBrief(t *testing.T) {
	x, y := brief(strings.Repeat("x", 1<<20)), brief(strings.Repeat("x", 1<<20-1)+"y")
	if len(x) > 120 || !strings.Contains(x, "1048576 bytes") || x == y {
		t.Errorf("a megabyte is %.200s and %.200s", x, y)
	}
	if s := brief(ann); s != fmt.Sprintf("%+v", ann) {
		t.Errorf("a person is %s", s)
	}
}
