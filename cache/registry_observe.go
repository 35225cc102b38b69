package cache

import "slices"

// Observe has an observer told what the caches of the registry do, those that enter it later
// included, after the observers of their settings, until stop is called. What is under way then may
// still be told. It is for what looks at caches for a while, such as package console: what is to
// hear of everything belongs to Defaults. Nothing but Lookup costs a call that finds its value.
func (r *Registry) Observe(o Observer) (stop func()) {
	observer := &o
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe(append(r.observers, observer))
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.observe(slices.DeleteFunc(r.observers, func(other *Observer) bool { return other == observer }))
	}
}

// observe is called with mu held.
func (r *Registry) observe(all []*Observer) {
	r.observers = all
	for _, c := range r.caches {
		c.observer.join(all)
	}
}

// isObserved reports whether the cache's observer may hear of something: own says whether that of
// its settings does.
func (c *core) isObserved(own bool) bool { return own || c.registry != nil }
