package cache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/hotkeys"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/near"
	"github.com/asidecache/aside/internal/protocol"
	"github.com/asidecache/aside/internal/registry"
	"github.com/asidecache/aside/internal/store"
)

// A Cache keeps the values of one family of keys in Redis. All its methods are
// safe for concurrent use.
type Cache[K comparable, V any] struct {
	core     *core
	codec    codec.Codec[V]
	clone    func(V) V         // nil: values that are shared stay as they are
	equal    func(a, b V) bool // nil: what the codec stores is compared
	anyKeys  bool              // K holds interfaces, see isNearKey
	keys     keyspace.Keys[K]
	ttlFor   func(key K, v *V) time.Duration
	upgrade  func(w *codec.Wire) (V, error)
	requests sync.Pool // of *request[K, V]
	seen     sync.Pool // of map[K]struct{}, which are empty
}

// core is what does not depend on the types of keys and values.
type core struct {
	name    string
	version int
	rdb     redis.UniversalClient // as it was given
	store   *store.Store
	engine  *protocol.Engine
	member  *registry.Member
	near    *nearTier       // nil: there is none
	sampler *sampler        // of hits that are audited
	hot     *hotkeys.Sketch // of the client

	ttl          time.Duration
	absent       time.Duration
	staleFor     time.Duration // 0 for none
	jitter       float64       // 0 for none
	redisTimeout time.Duration

	decoded   bool // see keyspace.SetDecodeLoaded
	size      sizeHint
	trial     trial
	observer  *observer
	stats     counters
	reminders reminders
	limited   atomic.Bool // the observer was told, see reportLimit
	longest   longestTTL
	closed    atomic.Bool
	ended     chan struct{} // closed when Close has ended what the cache has started

	registry *Registry // nil for none
}

// A request is one key of a call of a method, as far as Redis has what it asks for. It is
// reused, unless Redis failed it: a command that was given up may still be using it.
type request[K comparable, V any] struct {
	lookup
	key    K
	value  V
	ticket near.Ticket // what the near tier permits to keep of what is found
}

// A lookup is what of a request does not depend on its types.
type lookup struct {
	op       Op
	text     []byte // of redisKey
	redisKey string
	entry    store.Entry
	began    time.Time
	state    State
	broken   bool // the entry was found, and could not be decoded
	outdated bool // broken as it lacks a field that is always stored
	sampled  bool // the hit is to be audited
	near     bool // the near tier may answer, which had nothing
}

// begin starts a request. It must be followed by end, or by nothing after an error
// of the store.
func (c *Cache[K, V]) begin(op Op, key K) (*request[K, V], error) {
	return c.beginAt(time.Now(), op, key)
}

// beginAt is begin for a call that has begun at a time.
func (c *Cache[K, V]) beginAt(began time.Time, op Op, key K) (*request[K, V], error) {
	if c.core.closed.Load() {
		return nil, c.core.error(op, "", ErrClosed, nil)
	}
	r := c.idle()
	r.op, r.key = op, key
	text, err := c.keys.Append(r.text[:0], &r.key)
	if err != nil {
		return nil, c.core.error(op, "", ErrEncode, err)
	}
	r.text, r.redisKey = text, string(text)
	r.began = began
	if c.core.keepsNear(r.redisKey) && c.isNearKey(r.key) {
		r.ticket = c.core.near.tier.Ticket(r.redisKey)
	}
	return r, nil
}

// beginWith is begin for a call with options.
func (c *Cache[K, V]) beginWith(op Op, key K, opts []Option) (r *request[K, V], s settings, err error) {
	r, err = c.begin(op, key)
	if err != nil {
		return nil, s, err
	}
	if s, err = settingsOf(opts); err != nil {
		return nil, s, c.core.error(op, r.redisKey, nil, err)
	}
	r.near = c.core.near != nil && !s.skipNear && c.core.near.tier.Permits(r.ticket)
	return r, s, nil
}

// idle returns a request that nobody uses.
func (c *Cache[K, V]) idle() *request[K, V] {
	r, _ := c.requests.Get().(*request[K, V])
	if r == nil {
		return new(request[K, V])
	}
	r.state, r.broken, r.sampled, r.near = Missing, false, false, false
	return r
}

// end takes the request's memory back.
func (c *Cache[K, V]) end(r *request[K, V]) {
	var key K
	var value V
	r.key, r.value, r.ticket = key, value, near.Ticket{}
	r.release()
	c.requests.Put(r)
}

// release gives up what was found, and memory that only a large key or value needs.
func (l *lookup) release() {
	l.redisKey = ""
	if cap(l.text) > maxKeptText {
		l.text = nil
	}
	l.entry.Release()
}

// deadline is when the lookup has waited for Redis long enough.
func (c *core) deadline(l *lookup) time.Time { return l.began.Add(c.redisTimeout) }

// deadlineOf is when a call that began at a time has waited long enough for the first answer about
// its keys. To make many ready takes a while.
func (c *core) deadlineOf(began time.Time, keys int) time.Time {
	if keys > store.OneTrip {
		began = time.Now()
	}
	return began.Add(c.redisTimeout)
}

// maxKeptText is how much memory for the text of a key a lookup keeps for the next.
const maxKeptText = 4 << 10

// RedisKey returns the Redis key that holds the value of key, or the empty string
// when the key has no text because its MarshalText fails.
func (c *Cache[K, V]) RedisKey(key K) string {
	text, err := c.keys.Append(nil, &key)
	if err != nil {
		return ""
	}
	return string(text)
}

// Must returns v, or panics with err: for caches and mappings that are built when
// the program starts.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
