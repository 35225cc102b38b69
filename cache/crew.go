package cache

import (
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/internal/store"
)

// A member is one of the flights that have one function, with what that knows of it.
type member[K comparable, V any] struct {
	*request[K, V]
	f *flight.Flight[*found]
	p permission

	seen   found       // what a load has found
	entry  store.Entry // of that
	w      filling
	landed bool
}

// A crew is the members of one flight of many keys, or some of them.
type crew[K comparable, V any] []*member[K, V]

// crewOf pairs the flights with their requests; both are in the order of the keys, and not
// every request has led to a flight.
func crewOf[K comparable, V any](flights []*flight.Flight[*found], requests []*request[K, V]) crew[K, V] {
	all, members := make(crew[K, V], len(flights)), make([]member[K, V], len(flights))
	for i, f := range flights {
		for requests[0].redisKey != f.Key() {
			requests = requests[1:]
		}
		members[i] = member[K, V]{request: requests[0], f: f}
		all[i] = &members[i]
		requests = requests[1:]
	}
	return all
}

// land ends the flight of m.
func (m *member[K, V]) land(seen *found, err error) {
	m.landed = true
	m.f.Finish(seen, err)
}

// A landing is how the flight of a member is to end.
type landing[K comparable, V any] struct {
	*member[K, V]
	with *found
	err  error
}

// landAll gives back the leases that the members still have, in one round trip, and ends
// their flights.
func (c *Cache[K, V]) landAll(over []landing[K, V]) {
	if len(over) == 0 {
		return
	}
	all := make(crew[K, V], len(over))
	for i, o := range over {
		all[i] = o.member
	}
	c.core.releaseAll(all.tenures(), all.until())
	for _, o := range over {
		o.land(o.with, o.err)
	}
}

// until is how long the crew may wait for what it asks Redis now.
func (all crew[K, V]) until() time.Time {
	until := all[0].task.until()
	for _, m := range all[1:] {
		if u := m.task.until(); u.Before(until) {
			until = u
		}
	}
	return until
}

// spend takes the time of what asks Redis from the patience of all.
func (all crew[K, V]) spend(ask func()) {
	began := time.Now()
	ask()
	for _, m := range all {
		m.patience -= time.Since(began)
	}
}

// underWay returns those whose flights have not landed.
func (all crew[K, V]) underWay() (open crew[K, V]) {
	for _, m := range all {
		if !m.landed {
			open = append(open, m)
		}
	}
	return open
}

func (all crew[K, V]) flights() []*flight.Flight[*found] {
	flights := make([]*flight.Flight[*found], len(all))
	for i, m := range all {
		flights[i] = m.f
	}
	return flights
}

func (all crew[K, V]) tenures() []*tenure {
	tenures := make([]*tenure, len(all))
	for i, m := range all {
		tenures[i] = m.p.tenure
	}
	return tenures
}
