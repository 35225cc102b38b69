package fleet

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/asidecache/aside/cache"
)

// A plan says what a fleet does, for how long, and what is done to it.
type plan struct {
	Name    string
	Subject string
	List    bool // values are Redis lists, else strings
	Writes  bool
	For     time.Duration
	Loads   int // of each key, at least: the fleet goes on until then
	Lease   time.Duration
	TTL     time.Duration
	Stale   time.Duration // beyond TTL: Config.StaleFor
	Seed    uint64
	Keys    int           // that are read: the first so many
	Callers int           // that read, in each worker
	Batches int           // how many of a hundred reads are of several keys
	Load    time.Duration // the longest that a load takes once it has read the source
	Version int           // of the stored form; half of the workers begin with the next one, if it is a Deploy
	Deploy  bool
	Near    *cache.NearConfig // nil: there is no near cache

	Replicas int // that writes wait for

	faults []op // what the parent does
}

const workers = 4

// Each key has a role.
const (
	sharedKeys = 3 // all workers write them, in ways that may meet
	quietKeys  = 2 // nobody writes them: loads of them leave no excuse
	ownedKeys  = 2 // of each worker
	keyCount   = sharedKeys + quietKeys + workers*ownedKeys
)

// owned returns the first of the keys that only the worker of a slot writes.
func owned(slot int) int { return sharedKeys + quietKeys + slot*ownedKeys }

func keyNames() []string {
	names := make([]string, keyCount)
	for i := range names {
		switch {
		case i < sharedKeys:
			names[i] = fmt.Sprint("shared", i)
		case i < owned(0):
			names[i] = fmt.Sprint("quiet", i-sharedKeys)
		default:
			names[i] = fmt.Sprint("owned", i-owned(0))
		}
	}
	return names
}

const family = "fleet"

func redisKey(name string) string { return family + ":" + name }

// valueKey is the value key of a version of the stored form.
func valueKey(version int, name string) string {
	if version == 0 {
		return redisKey(name)
	}
	return fmt.Sprintf("%s@%d{%s}", family, version, redisKey(name))
}

// versions are those of the stored form that the workers have.
func (p *plan) versions() []int {
	if p.Deploy {
		return []int{p.Version, p.Version + 1}
	}
	return []int{p.Version}
}

func controlKey(name string) string { return "aside:{" + redisKey(name) + "}" }

// With few callers each command of a worker travels by itself, with many they share
// pipelines, and scripts become one.
const (
	fewCallers  = 4
	manyCallers = 32
)

// calm reports whether nothing disturbs the fleet: then the checks are exact, and
// there is no excuse for an error.
func (p *plan) calm() bool { return !p.Writes }

// calmPlan only reads. Its limit is such that a busy machine alone breaks no promise.
func calmPlan(seed uint64, d time.Duration) plan {
	return plan{Name: "calm", Subject: aside, For: d, Loads: 3, Seed: seed, Keys: keyCount, Callers: callersOf(seed), Batches: 25, Load: shortLoad, TTL: 150 * time.Millisecond, Lease: 30 * time.Second}
}

// harmPlan reads and writes while faults happen.
func harmPlan(seed uint64, d time.Duration) plan {
	return plan{
		Name: "faults", Subject: aside, Writes: true, For: d, Seed: seed, Keys: keyCount, Callers: callersOf(seed), Batches: 25, Load: shortLoad, TTL: 300 * time.Millisecond, Lease: 500 * time.Millisecond,
		List:   seed%2 == 1,
		faults: []op{killConnections, killWorker, pauseWorker, flushScripts, foreignSet, foreignSet, foreignDelete, foreignRevoke},
	}
}

// evictionPlan is harmPlan in short memory. A foreign SET that is evicted leaves no trace
// for a load that began before it, so there are none.
func evictionPlan(seed uint64, d time.Duration) plan {
	p := harmPlan(seed, d)
	p.Name, p.List = "eviction", !p.List
	p.faults = []op{killConnections, killWorker, pauseWorker, flushScripts, foreignDelete, evict}
	return p
}

// stalePlan is harmPlan, with values that are mostly stale when they are read.
func stalePlan(seed uint64, d time.Duration) plan {
	p := harmPlan(seed, d)
	p.Name, p.TTL, p.Stale = "stale", 60*time.Millisecond, time.Second
	return p
}

// calmStalePlan is calmPlan, of which the same holds.
func calmStalePlan(seed uint64, d time.Duration) plan {
	p := calmPlan(seed, d)
	p.Name, p.TTL, p.Stale = "calm and stale", 60*time.Millisecond, time.Minute
	return p
}

// deployPlan is harmPlan of a fleet whose workers are restarted one after another, each with the
// other version of the stored form. Other programs know of none but their own, and do not write.
func deployPlan(seed uint64, d time.Duration) plan {
	p := harmPlan(seed, d)
	p.Name, p.Deploy, p.Version = "deploys", true, int(seed/4%2)
	p.faults = []op{killConnections, killWorker, pauseWorker, flushScripts, foreignRevoke, deployWorker}
	return p
}

// nearPlan is harmPlan with near caches.
func nearPlan(seed uint64, d time.Duration) plan {
	p := withNear(harmPlan(seed, d))
	p.Name, p.List, p.TTL = "near caches", false, 2*time.Second
	return p
}

// withNear is a plan with near caches, which are too small for all keys.
func withNear(p plan) plan {
	p.Name += ", near caches"
	p.Near = &cache.NearConfig{MaxEntries: keyCount / 2}
	return p
}

// controlPlan is for caches that are to be found guilty, without a fault. Loads take so
// long that with writes, most are overtaken by one while others wait for them. There are
// so many of them that a machine of any speed shows what is wrong.
func controlPlan(subject string, batches int, writes bool, seed uint64, d time.Duration) plan {
	p := plan{Name: subject, Subject: subject, Writes: writes, For: d, Seed: seed, Keys: keyCount, Callers: fewCallers, Batches: batches, TTL: 150 * time.Millisecond, Lease: 30 * time.Second}
	if subject == forgiving {
		p.Stale = time.Minute
	}
	if p.Load, p.Loads = shortLoad, 10; writes {
		p.Keys, p.Load, p.Loads = sharedKeys, 50*time.Millisecond, 30
	}
	if subject == apart || subject == aside && writes {
		p.Deploy, p.Version = true, 1
	}
	return p
}

func callersOf(seed uint64) int {
	if seed/2%2 == 1 {
		return manyCallers
	}
	return fewCallers
}

// longMark is the life of a mark that a lease is to carry, which is longer than its own.
func (p *plan) longMark() time.Duration { return 2 * p.Lease }

// shortLoad is about what a query takes.
const shortLoad = 9 * time.Millisecond

// A dice is a source of random decisions. It is not safe for concurrent use.
type dice struct{ *rand.Rand }

func newDice(seed uint64, stream ...int) dice {
	s := uint64(0)
	for _, part := range stream {
		s = s*1000 + uint64(part)
	}
	return dice{rand.New(rand.NewPCG(seed, s))}
}

func (d dice) below(limit time.Duration) time.Duration { return time.Duration(d.Int64N(int64(limit))) }
func (d dice) percent(n int) bool                      { return d.IntN(100) < n }

// some returns several of the numbers below n, least of them at least, in any order.
func (d dice) some(n, least int) []int { return d.Perm(n)[:least+d.IntN(n-least+1)] }
