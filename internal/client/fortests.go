package client

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// ForTests gives the tests of other packages what it takes traffic to reach. Nothing else
// uses it.
func (c *Client) ForTests() ForTests { return ForTests{c} }

// ForTests is what Client.ForTests returns.
type ForTests struct{ c *Client }

// ManyInFlight makes the client send commands as it does while many are in flight.
func (f ForTests) ManyInFlight() { f.c.inFlight.count.Add(2 * pipelineAbove) }

// KnowMasters makes the client send reads to the masters of a cluster, as it does once it
// knows these.
func (f ForTests) KnowMasters() { f.c.masters.known.Store(true) }

// AsksMasters reports whether it would do so for a key.
func (f ForTests) AsksMasters(ctx context.Context, key string) bool {
	return f.c.masters.of(ctx, key) != nil
}

// KeepLimits makes the client remember for ever what its servers take, however slow the machine.
func (f ForTests) KeepLimits() {
	f.c.limits.mu.Lock()
	defer f.c.limits.mu.Unlock()
	f.c.limits.kept = true
}

// MaxSenders is how many shared pipelines of small answers can be under way.
func (ForTests) MaxSenders() int { return maxSenders }

// unbroken has the clients of WithoutBreaker.
var unbroken sync.Map

// WithoutBreaker has the stores that are made on a client later ask it, however often it has not
// answered, for tests of single calls.
func WithoutBreaker(rdb redis.UniversalClient) {
	key, _ := Key(rdb)
	unbroken.Store(key, nil)
}

// tellDeletes is what TellDeletes was given, or nil.
var tellDeletes atomic.Pointer[func(keys []string) (ended func(acknowledged []string))]

// TellDeletes has begun called with the keys of deletes before they are sent in the background,
// and what it returns when they have been sent: those that are not acknowledged may have been
// carried out, or may be later.
func TellDeletes(begun func(keys []string) (ended func(acknowledged []string))) {
	tellDeletes.Store(&begun)
}

// telling tells of deletes, if anybody is to be told, and what it returns tells of their end.
func telling(deletes []*Delete) (ended func(acknowledged []*Delete)) {
	begun := tellDeletes.Load()
	if begun == nil {
		return func([]*Delete) {}
	}
	tell := (*begun)(namesOf(deletes))
	return func(acknowledged []*Delete) { tell(namesOf(acknowledged)) }
}

func namesOf(deletes []*Delete) []string {
	keys := make([]string, len(deletes))
	for i, d := range deletes {
		keys[i] = d.Key
	}
	return keys
}

// Recovered closes the breakers of a client, as an answered probe does: for package cachetest,
// which knows when its server is there again.
func Recovered(rdb redis.UniversalClient) {
	key, _ := Key(rdb)
	for _, hooked := range []bool{false, true} {
		executors.Lock()
		use := executors.of[executorKey{key, hooked}]
		executors.Unlock()
		if use == nil {
			continue
		}
		if x := use.executor.Value(); x != nil {
			x.breakers.reset()
		}
	}
}
