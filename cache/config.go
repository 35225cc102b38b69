package cache

import (
	"time"

	"github.com/asidecache/aside/codec"
)

const (
	// Forever is the TTL of entries that do not expire.
	Forever time.Duration = -1
	// Off switches a duration setting off.
	Off time.Duration = -1
)

// A Config describes one family of keys. The zero value of a field is its
// default; Name and TTL have none.
type Config[K comparable, V any] struct {
	// Name is the prefix of the family's Redis keys ("user" gives "user:42") and its
	// label on events and errors. It may not begin with "aside:", end with ':', hold
	// spaces or control characters, or "@" and digits at its end or before a '{' or ':'. With a
	// Version, its first '{' has to begin a hash tag that ends within it.
	// Families whose names continue one another at a ':', such as "a" and "a:b", can
	// meet in one Redis key. One client has values of one type and codec under a Name and
	// Version, see New.
	Name string

	// Version is the version of V's stored form. When not 0 it is part of the key
	// ("user@2{user:42}"), so that processes of different versions do not read each other's
	// values, nor do two types of one process. All versions of a key share what stands beside
	// it: a lease, and that the source has no value. A write removes the values of the two
	// versions before and of the one after as well, so that during a deploy no process serves
	// what a process of the other version has overwritten or deleted. Count up by one: a write
	// does not reach versions further away. docs/deploys.md says which changes need another
	// Version.
	Version int

	// ControlPrefix begins the keys that stand beside values for a while, such as leases and
	// what is being stored, for a Redis user with rights on one prefix of keys alone: a user of
	// "tenant7:*" takes Name "tenant7:user" and ControlPrefix "tenant7:aside:". It ends with ':'
	// and has no braces, spaces or control characters; neither may Name + ":" begin with it, nor
	// it with Name + ":". Default "aside:".
	//
	// All processes that use the keys must have the same, or loads of some are stored over
	// writes of others: to change it, stop them all first, see Cache.Check. New refuses a cache
	// or collection that differs in it from another one of the Name on the same client.
	ControlPrefix string

	// Codec turns values into bytes. The default is codec.Text for strings,
	// numbers, bools and []byte, and codec.Msgpack for everything else.
	Codec codec.Codec[V]

	// Key appends the text of a key to dst. Different keys must give different
	// bytes. The default covers strings, integers, bools, types that implement
	// encoding.TextAppender or TextMarshaler, and structs of those: their fields
	// joined by ':', with '%' and ':' inside them written as %25 and %3A.
	Key func(dst []byte, key K) []byte

	// TTL is how long a value is kept, at least a millisecond, or Forever.
	TTL time.Duration

	// Jitter shortens each TTL by a random part of up to this fraction, so that
	// entries stored together do not expire together. 0 means 0.1, a negative value
	// none; 1 is the most. No TTL is ever lengthened.
	Jitter float64

	// TTLFor reads the lifetime of a value from the value, a token's for example.
	// 0 keeps TTL, and Forever, which is -1, means no end. A lifetime that is over,
	// any other negative one or one below a millisecond, means that the value is
	// returned and not stored; a Set of it deletes the key.
	TTLFor func(key K, v *V) time.Duration

	// AbsentTTL is how long it is remembered that the source has no value. The
	// default is TTL, but at most a minute; Off: it is not remembered.
	AbsentTTL time.Duration

	// StaleFor is how long an entry is kept beyond its TTL. It is stale then, and the answer all the
	// same, at once, while one process of the fleet loads it anew in the background, and also while
	// loads fail. A Delete or Set leaves nothing stale behind. A load in the background begins a
	// little before the TTL ends, by XFetch, if the key is asked for often; it takes a place under
	// MaxLoads if one is free, and does not wait for one; after one that has failed the key is left
	// alone for 1 s, then 2 s, and so on up to 30 s. "Does not exist" turns stale as well. What has a
	// TTL of Forever never does. Default 0, or Off: nothing is kept.
	//
	// It goes with leases: with Lease Off each process refreshes for itself, and only its own writes
	// hold a refresh back, as any other load.
	StaleFor time.Duration

	// LoadTimeout bounds each run of a loader: its context ends then, and so do the
	// calls that wait for it, even if the loader does not return. Default 30 s.
	LoadTimeout time.Duration

	// ErrorTTL is for how long this process remembers the error of a load, at most 10 s: the
	// calls of the key for which Redis has no answer get it meanwhile, as a *RememberedError,
	// and the source is not asked. A Refresh asks it in any case, and any write of the key by
	// this cache ends it at once; what others write is seen once Redis has it. LoadTimeout
	// counts as an error. ErrNotFound, panics, and the ends of callers' contexts do not, nor
	// do failures of Redis. At most 1,024 keys are remembered, the latest to fail. Default 0,
	// or Off: errors are shared by the calls that wait for the load, and not remembered.
	ErrorTTL time.Duration

	// MaxLoads is how many loads may run at once in this cache; further ones wait,
	// for as long as their callers do, whose errors say so. A loader keeps its place
	// until it returns: one that asks its own cache for another key, or ignores its
	// context, may leave none. 0: no limit.
	MaxLoads int

	// Lease is how long a process that loads a key keeps all others from loading it
	// too, unless it renews that, as it does while the load runs: if it dies, they wait
	// for so long, and no longer than their own Lease. Processes that share keys should
	// not differ in it by a factor of three: one that waits would end the lease of one
	// that loads. It is also what a write revokes so that the load is not stored over
	// it. Default 3 s, at least 10 ms. Off: one load per key and process, and fills by
	// a plain SET, which only the writes of the same process hold back.
	Lease time.Duration

	// WaitReplicas is how many replicas have to confirm a Set, SetIfAbsent, SetAbsent or
	// Delete (WAIT) before it returns, so that a failover does not forget it. When too few
	// do within RedisTimeout the call returns an error, and the write may be lost or not.
	// What loads store does not wait. Default 0.
	WaitReplicas int

	// Near keeps entries in the memory of this process as well, decoded, for calls that then do not
	// ask Redis: see NearConfig. The zero value keeps none.
	Near NearConfig

	// Clone makes a copy of a value, for each caller that gets it from the near cache and for the
	// near cache itself. Without it callers share what a value points to: its pointers, slices and
	// maps must not be changed then. It is called on the callers' goroutines. Without a near cache
	// every caller has a value of its own, and Clone has to be nil.
	Clone func(V) V

	// Audit compares a sample of the hits with the source, so that you know how far the cache can be
	// trusted, and which entries nobody invalidates: see AuditConfig. The zero value compares none.
	Audit AuditConfig

	// Equal says for Audit whether two values are the same. Both are as the codec decodes them. It
	// is called only for values of which the codec makes different bytes. By default all is compared
	// that the codec stores, whatever the order of a map; a moment is the same in each time zone,
	// and nil the same as an empty slice or map.
	Equal func(a, b V) bool

	// RedisTimeout is the longest that one call waits for Redis, all commands
	// together; while it waits for the load of another process, each answer; of a batch of more
	// than 256 keys, the answer of each round trip. Where no connection can be made it is about a
	// quarter of that. Default 1 s.
	RedisTimeout time.Duration

	// OnRedisError says what a call that can load does when Redis fails.
	OnRedisError FailurePolicy

	// Pipelining says whether commands of several callers may share a pipeline, which
	// makes the cache several times as fast while many wait for Redis. The client's hooks
	// see a shared pipeline as one, with the values of nobody's context.
	Pipelining Pipelining

	// Observer is told what the cache does.
	Observer Observer

	// Registry is that of the service's caches: it has defaults for settings that are zero here,
	// and closes the cache with all others. Default nil: the cache belongs to none.
	Registry *Registry

	// Upgrade makes values of those that the version before has stored, in place of loads, so
	// that a deploy with another Version starts warm: see UpgradeFrom. The zero Upgrade makes
	// none.
	Upgrade Upgrade[V]
}

// Pipelining is how the commands of concurrent callers are sent.
type Pipelining uint8

const (
	// Adaptive sends each command by itself while few are in flight, and together what
	// is asked at one time while many are. docs/tuning.md says what that brings.
	Adaptive Pipelining = iota
	// Unpipelined sends each command by itself, on a connection of the client's pool.
	Unpipelined
)

// A NearConfig describes the near cache, the tier in process memory. What a call has read of Redis,
// values and that there is none, is kept there and answers later calls: Get, GetOrSet,
// GetOrSetEntry, GetMany, GetOrSetMany, GetFields and Entry, but no call with the option SkipNear
// nor one in a pipeline, nor those of a collection. What a load has found is kept when it is read
// for the first time. Either MaxEntries or MaxBytes is to be set.
//
// No entry is served beyond the TTL that it has in Redis. What is beyond its own TTL is stale and
// refreshed by the rules of Config.StaleFor.
//
// What this process writes by the same client, by whatever cache or collection, is seen at once.
//
// Keys are compared as Go compares them: what a key points to must not change. One of an interface
// that holds what cannot be compared is not kept.
type NearConfig struct {
	// MaxEntries is how many entries there may be. Those that are asked for least make room.
	MaxEntries int

	// MaxBytes is how much memory the entries may take, about: for each the bytes of the encoded
	// value, of the Redis key, of K and V themselves, and 350 for what refers to it. What V points
	// to may take more than its encoded form: see docs/tuning.md.
	MaxBytes int64

	// TTL is for how long an entry is served at most. Default 30 s. With TTLOnly it has to be set.
	TTL time.Duration

	// Coherence is how the near cache learns of writes by other processes and programs.
	Coherence Coherence

	// HotOnly keeps only what is read of keys that Cache.HotKeys names when the read begins: those
	// that are looked up about five times a second or more in this process, and 1,024 of the client
	// at most. So few entries serve the keys that matter, however many others are read, and what is
	// read once is not kept. An entry whose key is no longer hot ends as any other does. Redis
	// answers the first few hundred reads of a key.
	HotOnly bool
}

// Coherence is how a near cache learns of writes by other processes.
type Coherence uint8

const (
	// Tracking has Redis tell of each write (CLIENT TRACKING ON BCAST, of Redis 6 and later, over
	// RESP3), on one connection to each master for all caches of the client. An entry is served at
	// most a second longer than it stood in Redis, about a millisecond in practice, and not at all
	// while Redis does not tell: then calls ask it. That there is no value, or an empty one, is
	// served for a second, as a Delete of nothing is not told of.
	//
	// New returns an error if the server cannot tell, and asks it for RedisTimeout. If it does not
	// answer then, nothing is served from memory before it tells: Observer.Near hears of that, and
	// Stats.NearState shows it.
	Tracking Coherence = iota

	// TTLOnly has nobody tell: an entry that another process has overwritten or deleted is served
	// until its TTL in memory ends. It is for servers that cannot tell, such as proxies.
	TTLOnly
)

// A FailurePolicy says what a call that can load does when Redis cannot be asked.
type FailurePolicy uint8

const (
	// LoadThrough asks the source, with one load per key and process and MaxLoads at
	// once as always. A value whose load began without Redis is not stored.
	LoadThrough FailurePolicy = iota
	// Fail returns an *Error of kind ErrRedis and does not load, to protect a source
	// that could not bear the traffic. Once a value has been loaded, it is returned
	// even if Redis fails to store it.
	Fail
)
