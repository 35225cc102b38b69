package collection

import (
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// Forever is the TTL of values that do not expire.
const Forever = cache.Forever

// A Config describes one family of keys whose values have elements of type E. The
// zero value of a field is its default; Name and TTL have none.
type Config[K comparable, E any] struct {
	// Name, Version, ControlPrefix and Key make the Redis keys, as those of a cache.Config do. A
	// write of elements removes the values of the versions before and after, as every write does.
	Name          string
	Version       int
	ControlPrefix string
	Key           func(dst []byte, key K) []byte

	// Value turns elements into bytes. The default is codec.Text for strings,
	// numbers, bools and []byte, and codec.Msgpack for everything else. Elements of a
	// set are the same if their bytes are.
	Value codec.Value[E]

	// TTL is how long a value that a write has created is kept, at least a
	// millisecond, or Forever.
	TTL time.Duration

	// StaleFor is that of the cache which shares the Name, whose values are stale for the last part
	// of what Redis is given: what a write creates, or whose TTL it sets, is kept for so long beyond
	// its TTL. Elements of a stale value are read and written as those of any other. Default 0.
	StaleFor time.Duration

	// Jitter shortens each TTL by a random part of up to this fraction. 0 means 0.1, a
	// negative value none; 1 is the most.
	Jitter float64

	// RedisTimeout is the longest that one call waits for Redis, each page of an All by
	// itself. Default 1 s.
	RedisTimeout time.Duration

	// WaitReplicas is how many replicas have to confirm a write or Delete (WAIT) before it
	// returns, so that a failover does not forget it. When too few do within RedisTimeout
	// the call returns an error, and the write may be lost or not. Default 0.
	WaitReplicas int
}

// A HashConfig describes one family of keys whose values are hashes of a T's fields.
type HashConfig[K comparable, T any] struct {
	// Name, Version, ControlPrefix and Key make the Redis keys, as those of a cache.Config do.
	Name          string
	Version       int
	ControlPrefix string
	Key           func(dst []byte, key K) []byte

	// Mapping says how fields are stored. It is required. The fields that are read and
	// written have to be of this one.
	Mapping *hashmap.Mapping[T]

	// TTL, StaleFor, Jitter, RedisTimeout and WaitReplicas are those of Config.
	TTL          time.Duration
	StaleFor     time.Duration
	Jitter       float64
	RedisTimeout time.Duration
	WaitReplicas int
}
