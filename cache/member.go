package cache

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/tracking"
)

// A Member is one cache of a Registry, whatever the types of its keys and values. It stays usable
// when the cache is closed. Two Members are equal if they are the same cache.
type Member struct{ core *core }

// Name returns the Name of the cache.
func (m Member) Name() string { return m.core.name }

// Version returns the Version of the cache.
func (m Member) Version() int { return m.core.version }

// Client returns the client of the cache.
func (m Member) Client() redis.UniversalClient { return m.core.rdb }

// ControlPrefix returns the ControlPrefix of the cache, the default included.
func (m Member) ControlPrefix() string { return m.core.store.ControlPrefix() }

// Stats is Cache.Stats.
func (m Member) Stats() Stats { return m.core.snapshot() }

// HotKeys is Cache.HotKeys.
func (m Member) HotKeys() []HotKey { return m.core.hotKeys() }

// Check is Cache.Check.
func (m Member) Check(ctx context.Context) error { return m.core.check(ctx) }

// RedisKey returns the Redis key that a text names: the key itself, the key without its Version, or
// only what follows the Name, as in "user@2{user:42}", "user:42" and "42", which are the same key.
func (m Member) RedisKey(text string) string { return m.core.store.KeyOf(text) }

// IsNear reports whether the near cache would answer for a Redis key now.
func (m Member) IsNear(redisKey string) bool {
	return m.core.near != nil && m.core.near.tier.Serves(redisKey, tracking.Now())
}

// Delete is Cache.Delete of a key that is given as a Redis key, see RedisKey.
func (m Member) Delete(ctx context.Context, redisKey string) error {
	if m.core.closed.Load() {
		return m.core.error(OpDelete, redisKey, ErrClosed, nil)
	}
	if !m.core.store.IsKey(redisKey) {
		return m.core.error(OpDelete, redisKey, nil, errForeignKey)
	}
	return m.core.delete(ctx, time.Now(), []string{redisKey})[0]
}

// A RunningLoad is a load of one key that is under way in this process.
type RunningLoad struct {
	Key     string // the Redis key
	Phase   LoadPhase
	Age     time.Duration // since its first caller began to wait, or it began in the background
	Waiting int           // callers that wait for it now
	Callers int           // calls that have shared it so far, as LoadEvent has them
	// Background tells that no caller waited for it from the start.
	Background bool
}

// A LoadPhase is how far a load is.
type LoadPhase uint8

const (
	LoadAsking    LoadPhase = iota // Redis is asked for the value, or the lease
	LoadAwaiting                   // another process loads the key
	LoadQueued                     // MaxLoads others run
	LoadRunning                    // the loader runs
	LoadStoring                    // its result is being stored
	LoadAbandoned                  // the loader runs though its context has ended
)

// String returns the name of the phase.
func (p LoadPhase) String() string {
	return name(p, "LoadAsking", "LoadAwaiting", "LoadQueued", "LoadRunning", "LoadStoring", "LoadAbandoned")
}

// The phases of package flight are those of this package, by other names.
var _ = [1]struct{}{}[LoadAbandoned-LoadPhase(flight.Abandoned)]

// Loads returns the loads that are under way in this process, the oldest first.
func (m Member) Loads() []RunningLoad {
	running := m.core.engine.Running()
	loads := make([]RunningLoad, len(running))
	for i, r := range running {
		loads[i] = RunningLoad{
			Key: r.Key, Phase: LoadPhase(r.Phase), Age: time.Since(r.Began),
			Waiting: r.Waiting, Callers: r.Callers, Background: r.Background,
		}
	}
	slices.SortFunc(loads, func(a, b RunningLoad) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), strings.Compare(a.Key, b.Key))
	})
	return loads
}
