package cache

import (
	"slices"
	"sync/atomic"
)

// An observation is one call of Registry.Observe.
type observation struct {
	of      func(Member) Observer
	stopped atomic.Bool
}

// Observe has observers told what the caches of the registry do, those that enter it later
// included, after the observers of their settings, until stop is called; what is under way then may
// still be told. of returns the observer of a cache. It is called for each, by Observe and New, and
// for some of them twice, of which one call counts. Observe is for what looks at caches for a
// while, such as package console: what is to hear of everything belongs to Defaults. Nothing but
// Lookup costs a call that finds its value.
func (r *Registry) Observe(of func(Member) Observer) (stop func()) {
	o := &observation{of: of}
	r.mu.Lock()
	r.observations = append(r.observations, o)
	all := slices.Clone(r.caches)
	r.mu.Unlock()
	for _, c := range all {
		c.observer.join(o, of(Member{c}))
	}
	return func() { r.stop(o) }
}

func (r *Registry) stop(o *observation) {
	r.mu.Lock()
	o.stopped.Store(true)
	r.observations = slices.DeleteFunc(r.observations, func(other *observation) bool { return other == o })
	all := slices.Clone(r.caches)
	r.mu.Unlock()
	for _, c := range all {
		c.observer.leave(o)
	}
}

// A joinedObserver is one of those that Registry.Observe has a cache tell.
type joinedObserver struct {
	by *observation
	Observer
}

// join has another observer told, unless it is told already.
func (o *observer) join(by *observation, other Observer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if by.stopped.Load() || slices.ContainsFunc(o.joined, joinedBy(by)) {
		return
	}
	o.joined = append(o.joined, joinedObserver{by, other})
	o.tell()
}

// leave ends join.
func (o *observer) leave(by *observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.joined = slices.DeleteFunc(o.joined, joinedBy(by))
	o.tell()
}

func joinedBy(by *observation) func(joinedObserver) bool {
	return func(j joinedObserver) bool { return j.by == by }
}

// tell sets who is told. It is called with mu held.
func (o *observer) tell() {
	told := *o.own
	for _, j := range o.joined {
		told = Join(told, j.Observer)
	}
	o.told.Store(&told)
}

// isObserved reports whether the cache's observer may hear of something: own says whether that of
// its settings does.
func (c *core) isObserved(own bool) bool { return own || c.registry != nil }
