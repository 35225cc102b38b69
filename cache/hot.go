package cache

import (
	"context"
	"unsafe"

	"github.com/asidecache/aside/internal/hotkeys"
	"github.com/asidecache/aside/internal/tracking"
)

// A HotKey is a key that is looked up often in this process.
type HotKey struct {
	Key       string  // the Redis key, at most the first 256 bytes
	Share     float64 // of the lookups of all caches on the client, from 0 to 1
	PerSecond float64 // lookups of the key
}

// HotKeys returns the keys of this cache that are looked up most in this process, whether the near
// cache or Redis answers, most looked up first. They are found by a sample of the lookups of all
// caches on the client, so that shares and rates are estimates. What counts is the last minute or
// so: a key is named that has been looked up some hundred times, and is no longer when it was not
// for a few minutes. At most 1,024 keys of a client are named. Caches of one Name and Version on a
// client have the same. Elements of collections are not counted.
func (c *Cache[K, V]) HotKeys() []HotKey { return c.core.hotKeys() }

func (c *core) hotKeys() []HotKey {
	found := c.hot.Keys(c.owner(), tracking.Now())
	keys := make([]HotKey, len(found))
	for i, k := range found {
		keys[i] = HotKey{Key: k.Text, Share: k.Share, PerSecond: k.PerSecond}
	}
	return keys
}

// A HotEvent is a key that has become hot: it has a hundredth of the lookups of the caches on a
// client, or more, and a thousand at least. There is another event of the key only if it has had
// less than half of that share since.
type HotEvent struct {
	Cache string
	HotKey
}

func (o *observer) hot(ctx context.Context, k hotkeys.Key) {
	if f := o.hears().Hot; f != nil {
		defer o.contain(ctx)
		f(ctx, HotEvent{o.cache, HotKey{Key: k.Text, Share: k.Share, PerSecond: k.PerSecond}})
	}
}

// owner says whose the keys of this cache are.
func (c *core) owner() hotkeys.Owner { return hotkeys.Owner{Name: c.name, Version: c.version} }

// sampled counts a lookup that was chosen by hotkeys.Sampled.
func (c *core) sampled(ctx context.Context, redisKey string) {
	if k, hot := c.hot.Record(c.owner(), redisKey, tracking.Now()); hot {
		c.observer.hot(ctx, k)
	}
}

// sampledNear is sampled for a lookup that has needed no Redis key.
func (c *Cache[K, V]) sampledNear(ctx context.Context, key K) {
	r := c.idle()
	r.key = key
	text, err := c.keys.Append(r.text[:0], &r.key)
	if err == nil {
		r.text = text
		c.core.sampled(ctx, unsafe.String(unsafe.SliceData(text), len(text))) // which keeps a copy
	}
	c.end(r)
}

// addHot adds what is known of the keys that are looked up most.
func (c *core) addHot(s *Stats) {
	s.HotKeys, s.HotShare = c.hot.Sum(c.owner(), tracking.Now())
}

// keepsNear reports whether what is read of a Redis key may be kept in the near tier.
func (c *core) keepsNear(redisKey string) bool {
	return c.near != nil && (!c.near.hotOnly || c.hot.Has(redisKey, tracking.Now()))
}
