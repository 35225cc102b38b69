package cachetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/asidecache/aside/cache"
)

// A Recorder records what the caches that it observes did, in the order of their
// events. It is safe for concurrent use, and the zero Recorder is ready for use.
type Recorder struct {
	mu     sync.Mutex
	events []any
	grown  chan struct{} // closed with the next event; nil if no caller waits
}

// Record returns an empty recorder.
func Record() *Recorder { return new(Recorder) }

// Observer returns the observer that feeds the recorder, for Config.Observer of any number
// of caches. cache.Join combines it with an observer of the test's own.
func (r *Recorder) Observer() cache.Observer {
	return cache.Observer{
		Lookup: func(_ context.Context, e cache.LookupEvent) { r.add(e) },
		Load: func(_ context.Context, e cache.LoadEvent) {
			e.Keys = slices.Clone(e.Keys)
			r.add(e)
		},
		Write: func(_ context.Context, e cache.WriteEvent) { r.add(e) },
		Error: func(_ context.Context, err *cache.Error) { r.add(err) },

		Audit:   func(_ context.Context, e cache.AuditEvent) { r.add(e) },
		Breaker: func(_ context.Context, e cache.BreakerEvent) { r.add(e) },
		Near:    func(_ context.Context, e cache.NearEvent) { r.add(e) },

		Delivery: func(_ context.Context, e cache.DeliveryEvent) { r.add(e) },
	}
}

func (r *Recorder) add(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
	if r.grown != nil {
		close(r.grown)
		r.grown = nil
	}
}

// Events returns all events so far: each is a cache.LookupEvent, cache.LoadEvent,
// cache.WriteEvent, cache.AuditEvent, cache.BreakerEvent, cache.NearEvent, cache.DeliveryEvent or
// *cache.Error. The slice is the caller's.
func (r *Recorder) Events() []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Reset drops all events so far.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}

// Lookups returns the lookups that found one of the states, all lookups without
// any.
func (r *Recorder) Lookups(states ...cache.State) []cache.LookupEvent {
	return pick(r, func(e cache.LookupEvent) bool { return among(e.State, states) })
}

// LookupsFrom returns the lookups that were answered by source, and found one of
// the states, if there are any.
func (r *Recorder) LookupsFrom(source cache.Source, states ...cache.State) []cache.LookupEvent {
	return pick(r, func(e cache.LookupEvent) bool { return e.Source == source && among(e.State, states) })
}

// Loads returns the loads that had one of the outcomes, all loads without any.
func (r *Recorder) Loads(outcomes ...cache.Outcome) []cache.LoadEvent {
	return pick(r, func(e cache.LoadEvent) bool { return among(e.Outcome, outcomes) })
}

// Writes returns the entries that were stored, by a load, Set, SetMany, SetIfAbsent or
// SetAbsent.
func (r *Recorder) Writes() []cache.WriteEvent {
	return pick(r, func(e cache.WriteEvent) bool {
		return e.Outcome == cache.WriteOK && e.Op != cache.OpDelete && e.Op != cache.OpTouch
	})
}

// WritesBy returns the writes of the operations, such as cache.OpDelete, whatever their
// outcomes; all writes without any.
func (r *Recorder) WritesBy(ops ...cache.Op) []cache.WriteEvent {
	return pick(r, func(e cache.WriteEvent) bool { return among(e.Op, ops) })
}

// NotStored returns the writes that had one of the outcomes; without any, all but those that
// were done.
func (r *Recorder) NotStored(outcomes ...cache.WriteOutcome) []cache.WriteEvent {
	return pick(r, func(e cache.WriteEvent) bool {
		return e.Outcome != cache.WriteOK && among(e.Outcome, outcomes)
	})
}

// Audits returns the audits that had one of the results, all audits without any.
func (r *Recorder) Audits(results ...cache.AuditResult) []cache.AuditEvent {
	return pick(r, func(e cache.AuditEvent) bool { return among(e.Result, results) })
}

// Breakers returns the changes of the clients' breakers.
func (r *Recorder) Breakers() []cache.BreakerEvent {
	return pick(r, func(cache.BreakerEvent) bool { return true })
}

// NearChanges returns when Redis has begun or ceased to tell a near cache of writes.
func (r *Recorder) NearChanges() []cache.NearEvent {
	return pick(r, func(cache.NearEvent) bool { return true })
}

// Deliveries returns what has become of keys of which Redis did not acknowledge a write.
func (r *Recorder) Deliveries() []cache.DeliveryEvent {
	return pick(r, func(cache.DeliveryEvent) bool { return true })
}

// Errors returns the failures that are one of the kinds, such as cache.ErrRedis, by
// errors.Is; all failures without any.
func (r *Recorder) Errors(kinds ...error) []*cache.Error {
	return pick(r, func(e *cache.Error) bool {
		return len(kinds) == 0 || slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(e, kind) })
	})
}

// pick returns the events of one type that match.
func pick[E any](r *Recorder, match func(E) bool) []E {
	var picked []E
	for _, event := range r.Events() {
		if e, ok := event.(E); ok && match(e) {
			picked = append(picked, e)
		}
	}
	return picked
}

func among[T comparable](v T, set []T) bool {
	return len(set) == 0 || slices.Contains(set, v)
}

// Wait returns nil as soon as done reports true, or the cause of ctx's end. done is called
// now and after each event. In a testing/synctest bubble synctest.Wait is
// simpler.
//
//	err := rec.Wait(t.Context(), func() bool { return len(rec.Loads()) == 2 })
func (r *Recorder) Wait(ctx context.Context, done func() bool) error {
	for {
		grown := r.growth()
		if done() {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// growth returns a channel that is closed with the next event.
func (r *Recorder) growth() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grown == nil {
		r.grown = make(chan struct{})
	}
	return r.grown
}

// Lines returns the events as text, one line each, with only what is the same in
// every run: a test compares them with what it expects, and prints them when it fails.
//
//	lookup user:42 Missing
//	load user:42 LoadOK
//	write user:42
//	delete user:42
//	lookup user:42 Present from Redis
//	error GetOrSet user:42: redis failed
//	audit user:42 AuditMissed in Name
//	breaker of user BreakerOpen
//	near cache of user NearConnected
//	delivery user:42 DeliveryDone
func (r *Recorder) Lines() []string {
	var lines []string
	for _, event := range r.Events() {
		lines = append(lines, line(event))
	}
	return lines
}

func line(event any) string {
	switch e := event.(type) {
	case cache.LookupEvent:
		if e.State == cache.Missing || e.State == cache.Unknown {
			return fmt.Sprintf("lookup %s %v", e.Key, e.State)
		}
		return fmt.Sprintf("lookup %s %v from %v", e.Key, e.State, e.Source)
	case cache.LoadEvent:
		return fmt.Sprintf("load %s %v", strings.Join(e.Keys, " "), e.Outcome) +
			when(e.Background, " in the background")
	case cache.WriteEvent:
		return verb(e.Op) + " " + e.Key + when(e.Fenced, " refused, a write came first") +
			when(e.Outcome != cache.WriteOK && !e.Fenced, fmt.Sprintf(" %v", e.Outcome))
	case cache.AuditEvent:
		return fmt.Sprintf("audit %s %v", e.Key, e.Result) +
			when(len(e.Fields) > 0, " in "+strings.Join(e.Fields, ", ")) + when(e.Repaired, ", repaired")
	case cache.BreakerEvent:
		return fmt.Sprintf("breaker of %s %v", e.Cache, e.State)
	case cache.NearEvent:
		return fmt.Sprintf("near cache of %s %v", e.Cache, e.State)
	case cache.DeliveryEvent:
		return "delivery" + when(e.Key != "", " "+e.Key) + " " + e.Outcome.String()
	case *cache.Error:
		return fmt.Sprintf("error %s %s: %v", e.Op, e.Key, e.Kind)
	}
	return fmt.Sprint(event)
}

// verb is the word for a write in a line.
func verb(op cache.Op) string {
	switch op {
	case cache.OpDelete:
		return "delete"
	case cache.OpTouch:
		return "touch"
	}
	return "write"
}

func when(on bool, text string) string {
	if on {
		return text
	}
	return ""
}
