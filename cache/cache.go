package cache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/registry"
	"github.com/asidecache/aside/internal/store"
)

// A Cache keeps the values of one family of keys in Redis. All its methods are
// safe for concurrent use.
type Cache[K comparable, V any] struct {
	core   *core
	codec  codec.Codec[V]
	keys   keyspace.Keys[K]
	ttlFor func(key K, v *V) time.Duration
	calls  sync.Pool // of *call[K, V]
}

// core is what does not depend on the types of keys and values.
type core struct {
	name   string
	rdb    redis.UniversalClient // as it was given
	store  *store.Store
	member *registry.Member

	ttl    time.Duration
	absent time.Duration
	jitter float64 // 0 for none
	lease  time.Duration

	loadTimeout  time.Duration
	redisTimeout time.Duration
	onRedisError FailurePolicy
	slots        chan struct{} // holds a token for each load that runs; nil: no limit
	queued       atomic.Int64  // loads that wait for a slot

	flights   flight.Group[*found]
	outage    flight.Group[*found] // of calls that Redis has failed
	tenures   sync.WaitGroup       // leases to be given back, and renewals
	abandoned atomic.Int64         // leases of which it is not known whether there are any
	closing   chan struct{}        // closed by Close
	crowd     crowd
	foresight foresight
	decoded   bool // the caller whose loader ran gets the decoded value too, see keyspace.SetDecodeLoaded
	size      sizeHint
	trial     trial
	observer  observer
	stats     counters
	reminders reminders
	closed    atomic.Bool
}

// A call is the working memory of one call of a method. It is reused, unless Redis
// failed the call: a command that was given up may still be using it.
type call[K comparable, V any] struct {
	op       Op
	key      K
	value    V
	text     []byte
	redisKey string
	entry    store.Entry
	began    time.Time
	state    State
	broken   bool         // the entry was found, and could not be decoded
	noRedis  bool         // Redis has failed the call: it goes on without
	cause    WriteOutcome // with noRedis: why the call can store nothing
	told     bool         // the observer knows what the call has found
	changes  uint64       // of the key when the call last looked, see flight.Group.Changes
}

// begin starts a call. It must be followed by end, or by nothing after an error
// of the store.
func (c *Cache[K, V]) begin(op Op, key K) (*call[K, V], error) {
	if c.core.closed.Load() {
		return nil, c.core.error(op, "", ErrClosed, nil)
	}
	m := c.idle()
	m.op, m.key = op, key
	text, err := c.keys.Append(m.text[:0], &m.key)
	if err != nil {
		return nil, c.core.error(op, "", ErrEncode, err)
	}
	m.text, m.redisKey = text, string(text)
	m.began = time.Now()
	return m, nil
}

// idle returns a call that nobody uses.
func (c *Cache[K, V]) idle() *call[K, V] {
	m, _ := c.calls.Get().(*call[K, V])
	if m == nil {
		return new(call[K, V])
	}
	m.state, m.broken, m.noRedis, m.told, m.cause = Missing, false, false, false, WriteOK
	return m
}

// end takes the call's memory back.
func (c *Cache[K, V]) end(m *call[K, V]) {
	var key K
	var value V
	m.key, m.value = key, value
	m.redisKey = ""
	if cap(m.text) > maxKeptText {
		m.text = nil
	}
	m.entry.Release()
	c.calls.Put(m)
}

// deadline is when the call has waited for Redis long enough.
func (c *Cache[K, V]) deadline(m *call[K, V]) time.Time {
	return m.began.Add(c.core.redisTimeout)
}

// maxKeptText is how much memory for the text of a key a call keeps for the next.
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

// Close ends what the cache has started and returns when that has ended: calls
// that wait for a load fail with ErrClosed, as do all later ones, and the contexts
// of loaders are cancelled. A loader that ignores its context keeps Close waiting;
// a loader or observer that calls Close of its own cache waits for itself. The
// Redis client stays open. Only the first Close does anything; it returns nil. Then another
// type of values may have the Name, see New.
func (c *Cache[K, V]) Close() error {
	if !c.core.closed.Swap(true) {
		close(c.core.closing)
		c.core.flights.Close()
		c.core.outage.Close()
		c.core.tenures.Wait()
		c.core.crowd.close()
		c.core.store.Close()
		c.core.member.Leave()
	}
	return nil
}

// Must returns v, or panics with err: for caches and mappings that are built when
// the program starts.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
