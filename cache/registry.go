package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/relay"
)

// A Registry is what the caches of a service have in common: defaults for their settings, one
// list, one Check and one Shutdown. A cache enters it by Config.Registry, and leaves it when it is
// closed; until then the registry keeps it from being collected. The zero Registry is ready for
// use. Its methods are safe for concurrent use.
type Registry struct {
	// Defaults are settings of the caches that are made from then on. Do not change them while
	// New runs.
	Defaults Defaults

	mu           sync.Mutex // guards all below
	caches       []*core
	observations []*observation
	closed       bool
}

// Defaults are for settings that a Config leaves zero; see there what each of them means. A cache
// that is to go without one says so, by Off for example.
type Defaults struct {
	TTL           time.Duration
	Jitter        float64
	AbsentTTL     time.Duration
	StaleFor      time.Duration
	LoadTimeout   time.Duration
	ErrorTTL      time.Duration
	MaxLoads      int // of each cache
	Lease         time.Duration
	RedisTimeout  time.Duration
	ControlPrefix string
	// Observer is told what every cache does, before the cache's own one.
	Observer Observer
}

// takeDefaults fills settings that are zero from the defaults of the registry.
func (cfg *coreConfig) takeDefaults() {
	if cfg.registry == nil {
		return
	}
	d := &cfg.registry.Defaults
	cfg.ttl = defaultTo(cfg.ttl, d.TTL)
	cfg.jitter = defaultTo(cfg.jitter, d.Jitter)
	cfg.absentTTL = defaultTo(cfg.absentTTL, d.AbsentTTL)
	cfg.staleFor = defaultTo(cfg.staleFor, d.StaleFor)
	cfg.loadTimeout = defaultTo(cfg.loadTimeout, d.LoadTimeout)
	cfg.errorTTL = defaultTo(cfg.errorTTL, d.ErrorTTL)
	cfg.maxLoads = defaultTo(cfg.maxLoads, d.MaxLoads)
	cfg.lease = defaultTo(cfg.lease, d.Lease)
	cfg.redisTimeout = defaultTo(cfg.redisTimeout, d.RedisTimeout)
	cfg.controlPrefix = defaultTo(cfg.controlPrefix, d.ControlPrefix)
	cfg.observer = Join(d.Observer, cfg.observer)
}

var errRegistryClosed = errors.New("its Shutdown was called: make another one")

// enterRegistry has the cache belong to its registry, or closes it.
func (c *core) enterRegistry() error {
	if c.registry == nil || c.registry.add(c) {
		return nil
	}
	c.beginClose()
	c.endClose(nil)
	var p keyspace.Problems
	p.Add("Registry", errRegistryClosed)
	return p.Join("cache", c.name)
}

func (r *Registry) add(c *core) bool {
	r.mu.Lock()
	closed, observations := r.closed, slices.Clone(r.observations)
	if !closed {
		r.caches = append(r.caches, c)
	}
	r.mu.Unlock()
	if closed {
		return false
	}
	for _, o := range observations {
		c.observer.join(o, o.of(Member{c}))
	}
	return true
}

func (r *Registry) remove(c *core) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caches = slices.DeleteFunc(r.caches, func(other *core) bool { return other == c })
}

// all returns the caches, in the order in which they were made.
func (r *Registry) all() []*core {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.caches)
}

// Caches returns the caches that are open, by Name and then by Version; those that have both in
// common in the order in which they were made.
func (r *Registry) Caches() []Member {
	all := r.all()
	slices.SortStableFunc(all, func(a, b *core) int {
		if byName := strings.Compare(a.name, b.name); byName != 0 {
			return byName
		}
		return a.version - b.version
	})
	members := make([]Member, len(all))
	for i, c := range all {
		members[i] = Member{c}
	}
	return members
}

// Check is Cache.Check of all caches, at one time. Its error has the errors of each.
func (r *Registry) Check(ctx context.Context) error {
	return r.each(func(c *core) error { return c.check(ctx) })
}

// Shutdown is Cache.Shutdown of all caches, at one time, and for ever: New refuses further ones
// with this registry. Its error has those of the caches, of what has not ended or is undelivered.
func (r *Registry) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	return r.each(func(c *core) error { return c.shutdown(ctx) })
}

// each calls f for all caches at one time, and returns their errors in the order of the caches.
// What a hook of a client panics with, its caller does.
func (r *Registry) each(f func(*core) error) error {
	all := r.all()
	errs, crashes := make([]error, len(all)), make([]*relay.Crash, len(all))
	var calls sync.WaitGroup
	for i, c := range all {
		calls.Go(func() {
			relay.Catch(func() { errs[i] = f(c) }, func(crash *relay.Crash) { crashes[i] = crash })
		})
	}
	calls.Wait()
	for _, crash := range crashes {
		if crash != nil {
			crash.Repeat()
		}
	}
	return errors.Join(errs...)
}
