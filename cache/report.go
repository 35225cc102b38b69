package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/hotkeys"
	"github.com/asidecache/aside/internal/protocol"
)

// found tells what a lookup has found.
func (c *core) found(ctx context.Context, l *lookup) {
	e := LookupEvent{Key: l.redisKey, State: l.state, Duration: c.lookupTime(l.began)}
	e.Outdated = l.outdated && l.state == Missing
	if l.op == OpEntry {
		e.TTL = c.remainingTTL(l)
	}
	c.reportLookup(ctx, e)
}

// unanswered is the error of a lookup that Redis has failed, and that ends with it.
func (c *core) unanswered(ctx context.Context, l *lookup, cause error) error {
	err := c.redisError(ctx, l.op, l.redisKey, cause)
	c.reportUnanswered(ctx, l.redisKey, l.began)
	return err
}

// reportBroken tells, once a lookup, that its entry cannot be decoded.
func (c *core) reportBroken(ctx context.Context, l *lookup, cause error) {
	if !l.broken {
		l.broken = true
		l.outdated = c.Broken(ctx, string(l.op), l.redisKey, cause)
	}
}

// reportUnanswered tells of a lookup that Redis did not answer.
func (c *core) reportUnanswered(ctx context.Context, key string, began time.Time) {
	c.reportLookup(ctx, LookupEvent{Key: key, State: Unknown, Duration: c.lookupTime(began)})
}

// lookupTime is the duration of a lookup, if anybody wants to know.
func (c *core) lookupTime(began time.Time) time.Duration {
	if !c.HearsLookups() {
		return 0
	}
	return time.Since(began)
}

func (c *core) reportLookup(ctx context.Context, e LookupEvent) {
	c.stats.lookup(e.State)
	c.engine.Learn(protocol.State(e.State), c.stats.hits.Load())
	if c.HearsLookups() {
		e.Source = Redis
		if e.State == Unknown {
			e.Source = None
		}
		c.observer.lookup(ctx, e)
	}
	if hotkeys.Sampled(rand.Uint32()) {
		c.sampled(ctx, e.Key)
	}
}

// The states and outcomes of package protocol are those of this package, by other names.
var (
	_ = [1]struct{}{}[Unknown-State(protocol.Unknown)]
	_ = [1]struct{}{}[WriteUnchanged-WriteOutcome(protocol.Unchanged)]
	_ = [1]struct{}{}[WriteNotEncoded-WriteOutcome(protocol.NotEncoded)]
	_ = [1]struct{}{}[AuditMissed-AuditResult(protocol.AuditMissed)]
	_ = [1]struct{}{}[LoadCancelled-Outcome(protocol.LoadCancelled)]
)

// core is a protocol.Reporter by the methods below.
var _ protocol.Reporter = (*core)(nil)

func (c *core) Lookup(ctx context.Context, key string, s protocol.State, outdated bool, took time.Duration) {
	c.reportLookup(ctx, LookupEvent{Key: key, State: State(s), Outdated: outdated, Duration: took})
}

func (c *core) Load(ctx context.Context, _ string, jobs []*protocol.Job, r protocol.LoadReport) {
	c.stats.loads.Add(1)
	e := LoadEvent{Outcome: Outcome(r.Outcome), Err: r.Err, Callers: r.Callers, Duration: r.Duration, Background: r.Background, Audit: r.Audit}
	switch {
	case r.Audit:
		c.stats.auditLoads.Add(1)
	case r.Background:
		c.stats.refreshes.Add(1)
	}
	switch e.Outcome {
	case LoadFailed, LoadPanicked:
		c.stats.loadErrors.Add(1)
	case LoadCancelled:
		c.stats.loadsCancelled.Add(1)
	}
	if !c.HearsLoads() {
		return
	}
	e.Keys = keysOf(jobs)
	c.observer.load(ctx, e)
}

func (c *core) StartLoad(ctx context.Context, jobs []*protocol.Job, background bool) context.Context {
	if c.observer.hears().StartLoad == nil {
		return ctx
	}
	return c.observer.startLoad(ctx, LoadStart{Keys: keysOf(jobs), Background: background})
}

func (c *core) HearsLookups() bool { return c.observer.hears().Lookup != nil }
func (c *core) HearsLoads() bool   { return c.observer.hears().Load != nil }
func (c *core) HearsWaits() bool   { return c.observer.hears().Wait != nil }

func (c *core) Waited(ctx context.Context, keys []string, load context.Context, took time.Duration) {
	c.observer.wait(ctx, WaitEvent{Keys: keys, Load: load, Duration: took})
}

func keysOf(jobs []*protocol.Job) []string {
	keys := make([]string, len(jobs))
	for i, j := range jobs {
		keys[i] = j.Key
	}
	return keys
}

func (c *core) Commit(ctx context.Context, op, key string, l protocol.Loaded, o protocol.Outcome, err error) {
	c.stats.commits[o].Add(1)
	if o == protocol.Stored {
		c.stats.stores.Add(1)
	}
	c.observer.write(ctx, WriteEvent{
		Op: Op(op), Key: key, State: State(l.State), Bytes: l.Bytes, TTL: l.TTL, Outcome: WriteOutcome(o), Err: err,
		Upgraded: l.Upgraded,
	})
	c.reportLimit(ctx, Op(op), key)
}

func (c *core) Broken(ctx context.Context, op, key string, cause error) (outdated bool) {
	if errors.Is(cause, codec.ErrOutdated) { // what takes its place is whole
		c.stats.outdated.Add(1)
		return true
	}
	c.trial.begin() // what takes its place may be as broken
	c.stats.broken.Add(1)
	c.observer.survived(ctx, c.error(Op(op), key, ErrDecode, cause))
	return false
}

func (c *core) RedisError(ctx context.Context, op, key string, cause error) (err error, failed bool) {
	err = c.redisError(ctx, Op(op), key, cause)
	return err, errors.Is(err, ErrRedis)
}

func (c *core) IsRedisError(err error) bool {
	own, _ := err.(*Error) // not errors.As: a loader may return that of another cache
	return own != nil && own.Kind == ErrRedis && own.Cache == c.name
}

func (c *core) LoadTimedOut(op, key string, cause error) error {
	return c.error(Op(op), key, context.DeadlineExceeded, cause)
}

func (c *core) LoadPanicked(op, key string, stack []byte) error {
	return c.error(Op(op), key, ErrPanic, fmt.Errorf("at\n%s", stack))
}

func (c *core) RefreshPanicked(ctx context.Context, op, key string, stack []byte) {
	err := fmt.Errorf("in a refresh in the background, at\n%s", stack)
	c.observer.survived(ctx, c.error(Op(op), key, ErrPanic, err))
}

func (c *core) HookPanicked(key string, value any) {
	err := fmt.Errorf("a hook of the client panicked with a value of type %T", value)
	c.observer.survived(context.Background(), c.error("Lease", key, ErrRedis, err))
}
