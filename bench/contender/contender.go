// Package contender puts the libraries that are compared behind one small
// interface. Each is used as its documentation shows, with its defaults, and one
// client of its own.
package contender

import (
	"context"
	"time"

	"github.com/asidecache/aside/bench/subject"
)

// TTL is how long every contender keeps its entries: longer than any measurement.
const TTL = time.Hour

// A Loader is the source of values. It honours its context.
type Loader func(ctx context.Context, key string) (subject.Account, error)

// A Contender is a cache that is filled from a loader. It is safe for concurrent
// use.
type Contender interface {
	// GetOrSet returns the cached value of key or, if there is none, that of load,
	// which is cached.
	GetOrSet(ctx context.Context, key string, load Loader) (subject.Account, error)
	// Delete removes the value of key.
	Delete(ctx context.Context, key string) error
	Close() error
}

// A Setter is a contender that is told values, too.
type Setter interface {
	Contender
	// Set caches a value of key.
	Set(ctx context.Context, key string, a subject.Account) error
}

// An Env is where a contender finds Redis.
type Env struct {
	Addrs   []string
	Cluster bool
}

// A Tier is where a contender finds what it has cached.
type Tier int

const (
	Redis  Tier = iota // in Redis, at every call
	Client             // in the process, told by Redis of writes
	Near               // in the process alone
)

// A Spec describes a contender.
type Spec struct {
	Name    string // what its row is called
	Module  string // the module that is measured
	Tier    Tier
	Shares  bool   // concurrent callers are meant to share one load
	Cluster bool   // works on a cluster
	Note    string // what else a reader has to know
	Open    func(Env) (Contender, error)
}

const (
	moduleAside        = "github.com/asidecache/aside"
	moduleGoRedis      = "github.com/redis/go-redis/v9"
	moduleGoRedisCache = "github.com/go-redis/cache/v9"
	moduleRueidis      = "github.com/redis/rueidis"
	moduleGoZero       = "github.com/zeromicro/go-zero"
	moduleSturdyc      = "github.com/viccon/sturdyc"
	moduleOtter        = "github.com/maypok86/otter/v2"
	moduleMsgpack      = "github.com/vmihailenco/msgpack/v5"
)

// Base is what every speed is compared with: go-redis and MessagePack, without a
// cache library.
var Base = Spec{
	Name: "go-redis Get + msgpack (base)", Module: moduleGoRedis, Cluster: true,
	Note: "Get, msgpack.Unmarshal; on a miss load, msgpack.Marshal, Set", Open: openGoRedis,
}

// The contenders of this module.
var (
	AutoPipeline = Spec{
		Name: "go-redis autopipeline + msgpack", Module: moduleGoRedis, Cluster: true,
		Note: "the base on AutoPipeline()", Open: openAutoPipeline,
	}
	GoRedisHash = Spec{
		Name: "go-redis HGetAll + Scan", Module: moduleGoRedis, Cluster: true,
		Note: "a hash with a field for each field; on a miss load, HSet and Expire in MULTI", Open: openGoRedisHash,
	}
	ClientSide = Spec{
		Name: "go-redis client-side cache + msgpack", Module: moduleGoRedis, Tier: Client,
		Note: "the base with ClientSideCacheConfig; decodes at every hit", Open: openClientSide,
	}
	GoRedisCache = Spec{
		Name: "go-redis/cache Once", Module: moduleGoRedisCache, Shares: true, Cluster: true,
		Note: "its own codec: MessagePack, compressed by S2 from 64 bytes on, which the letters of the values give nothing to save; no local cache", Open: openGoRedisCache,
	}
	GoRedisCacheLocal = Spec{
		Name: "go-redis/cache Once, TinyLFU", Module: moduleGoRedisCache, Tier: Near, Shares: true, Cluster: true,
		Note: "with its local cache of bytes, for an hour; decodes at every hit", Open: openGoRedisCacheLocal,
	}
	RueidisDo = Spec{
		Name: "rueidis Do + msgpack", Module: moduleRueidis, Cluster: true,
		Note: "as the base, on rueidis", Open: openRueidis,
	}
	RueidisDoCache = Spec{
		Name: "rueidis DoCache + msgpack", Module: moduleRueidis, Tier: Client, Cluster: true,
		Note: "client-side cache; decodes at every hit", Open: openRueidisCache,
	}
	GoZero = Spec{
		Name: "go-zero cache Take", Module: moduleGoZero, Shares: true, Cluster: true,
		Note: "its own codec, JSON; logs off", Open: openGoZero,
	}
	Sturdyc = Spec{
		Name: "sturdyc GetOrFetch", Module: moduleSturdyc, Tier: Near, Shares: true,
		Note: "10 shards, no early refresh", Open: openSturdyc,
	}
	Otter = Spec{
		Name: "otter Get", Module: moduleOtter, Tier: Near, Shares: true,
		Note: "ExpiryWriting", Open: openOtter,
	}
	AsideMsgpack = Spec{
		Name: "aside GetOrSet, msgpack", Module: moduleAside, Shares: true, Cluster: true,
		Note: "codec.Msgpack, the default", Open: openAsideMsgpack,
	}
	AsideGet = Spec{
		Name: "aside Get, msgpack", Module: moduleAside, Cluster: true,
		Note: "codec.Msgpack; on a miss load and Set", Open: openAsideGet,
	}
	AsideUnleased = Spec{
		Name: "aside GetOrSet, msgpack, no lease", Module: moduleAside, Shares: true, Cluster: true,
		Note: "with Lease: Off, one load per process", Open: openAsideUnleased,
	}
	AsideUnpipelined = Spec{
		Name: "aside GetOrSet, msgpack, unpipelined", Module: moduleAside, Shares: true, Cluster: true,
		Note: "with Pipelining: Unpipelined, each command by itself", Open: openAsideUnpipelined,
	}
	AsideNear = Spec{
		Name: "aside GetOrSet, near cache", Module: moduleAside, Tier: Client, Shares: true, Cluster: true,
		Note: "with Near: decoded values in the process; codec.Msgpack", Open: openAsideNear,
	}
	AsideNearUnleased = Spec{
		Name: "aside GetOrSet, near cache, no lease", Module: moduleAside, Tier: Client, Shares: true, Cluster: true,
		Note: "with Near and Lease: Off", Open: openAsideNearUnleased,
	}
	AsideHash = Spec{
		Name: "aside GetOrSet, hash", Module: moduleAside, Shares: true, Cluster: true,
		Note: "hashmap: a Redis hash with a field for each field", Open: openAsideHash,
	}
)

// Shared returns the contenders whose entries are in Redis, the base first. All are Setters.
func Shared() []Spec {
	return []Spec{Base, AutoPipeline, GoRedisCache, RueidisDo, GoZero, AsideMsgpack, AsideHash}
}

// Filling returns the contenders whose misses are compared: the shared ones, and
// aside as it does without what others do not do.
func Filling() []Spec { return append(Shared(), AsideUnleased) }

// Coherent returns the contenders that see each other's writes: the shared ones
// and those with a cache in the process that Redis tells of writes.
func Coherent() []Spec {
	return append(Filling(), ClientSide, RueidisDoCache, AsideNear, AsideNearUnleased)
}

// Local returns the contenders that answer hits from the process, the fastest kind
// first.
func Local() []Spec {
	return []Spec{Otter, AsideNear, Sturdyc, GoRedisCacheLocal, ClientSide, RueidisDoCache}
}

// All returns every contender once.
func All() []Spec {
	return append(Coherent(), GoRedisHash, Sturdyc, Otter, GoRedisCacheLocal, AsideGet, AsideUnpipelined)
}

// Find returns the contender of the given name.
func Find(name string) (Spec, bool) {
	for _, s := range All() {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}
