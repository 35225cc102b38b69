package cache

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/flight"
	"github.com/asidecache/aside/loader"
)

// obtainMany is obtain for the calls of a batch: it ends them.
func (c *Cache[K, V]) obtainMany(ctx context.Context, b *batch[K, V], open []*call[K, V], load loader.BatchFunc[K, V], s settings) {
	for turn := 0; len(open) > 0; turn++ {
		if turn == maxTurns-1 {
			c.obtainEach(ctx, b, open, load, s)
			return
		}
		open = c.lookBeforeMany(ctx, b, open, turn)
		open = c.joinMany(ctx, b, open, load, s)
	}
}

// lookBeforeMany is lookBefore for the calls of a batch. It returns those that are still
// open.
func (c *Cache[K, V]) lookBeforeMany(ctx context.Context, b *batch[K, V], calls []*call[K, V], turn int) (open []*call[K, V]) {
	var unsure []*call[K, V]
	for _, m := range calls {
		m.changes = c.core.flights.Changes(m.redisKey)
		switch {
		case c.core.flights.Obtaining(ctx, m.redisKey), c.core.outage.Obtaining(ctx, m.redisKey):
			b.errs[m.key] = c.flightError(ctx, m, flight.Led, flight.ErrReentrant)
		case !m.noRedis && (turn > 0 || c.core.lease == Off || c.core.flights.Refreshing(m.redisKey)):
			unsure = append(unsure, m)
		case m.noRedis && c.core.lease == Off: // with leases the flight tells
			c.sawUnanswered(ctx, m)
			fallthrough
		default:
			open = append(open, m)
		}
	}
	errs := c.lookMany(ctx, unsure)
	for i, m := range unsure {
		if m = c.surviveIn(ctx, b, m, errs[i]); m == nil {
			continue
		}
		if !m.told && (m.state != Missing || c.core.lease == Off) {
			c.sawLookup(ctx, m)
			m.told = true
		}
		if m.state != Missing {
			c.conclude(b, m)
			continue
		}
		open = append(open, m)
	}
	return open
}

// joinMany has calls join the flights of their keys, and begin those that there are not. It
// returns the calls that were turned away.
func (c *Cache[K, V]) joinMany(ctx context.Context, b *batch[K, V], calls []*call[K, V], load loader.BatchFunc[K, V], s settings) (away []*call[K, V]) {
	var answered, failed []*call[K, V] // by Redis, see join
	for _, m := range calls {
		if m.noRedis && c.core.lease != Off {
			failed = append(failed, m)
		} else {
			answered = append(answered, m)
		}
	}
	boarded := []*boarding[K, V]{
		c.board(ctx, &c.core.flights, answered, load, s),
		c.board(ctx, &c.core.outage, failed, load, s),
	}
	for _, g := range boarded {
		defer g.tickets.Leave() // of the second, should the first panic
	}
	for _, g := range boarded {
		away = append(away, c.arrive(ctx, b, g)...)
	}
	return away
}

// A boarding is the calls of a batch that have joined flights of one group.
type boarding[K comparable, V any] struct {
	calls    []*call[K, V]
	requests []*request[K, V]
	tickets  flight.Tickets[*found]
	err      error // of all
}

func (c *Cache[K, V]) board(ctx context.Context, group *flight.Group[*found], calls []*call[K, V], load loader.BatchFunc[K, V], s settings) *boarding[K, V] {
	g := &boarding[K, V]{calls: calls, requests: make([]*request[K, V], len(calls))}
	if len(calls) == 0 {
		return g
	}
	room := make([]request[K, V], len(calls))
	for i, m := range calls {
		room[i] = c.request(m, nil, s)
		g.requests[i] = &room[i]
	}
	requests := g.requests
	g.tickets, g.err = group.Join(ctx, redisKeys(calls), func(ctx context.Context, flights []*flight.Flight[*found]) error {
		return c.flyMany(ctx, crewOf(flights, requests), load)
	})
	return g
}

// arrive ends the calls whose flights have ended, and returns those that were turned away.
func (c *Cache[K, V]) arrive(ctx context.Context, b *batch[K, V], g *boarding[K, V]) (away []*call[K, V]) {
	if g.err != nil {
		for _, m := range g.calls {
			b.errs[m.key] = c.flightError(ctx, m, flight.Led, g.err)
		}
		return nil
	}
	joined := time.Now()
	for i, a := range g.tickets.Collect(ctx) {
		m, r := g.calls[i], g.requests[i]
		waited := joined.Sub(m.began)
		if !m.told && a.Outcome != flight.Led && a.Outcome != flight.TurnedAway {
			c.sawFollower(ctx, m, a.Result, a.Err, waited)
			m.told = true
		}
		switch {
		case a.Err != nil:
			b.errs[m.key] = c.flightError(ctx, m, a.Outcome, a.Err)
		case a.Outcome == flight.Led:
			b.note(m.key, r.value, r.err)
			c.end(m)
		case a.Outcome == flight.Shared:
			v, err := c.share(ctx, m, a.Result)
			b.note(m.key, v, err)
			c.end(m)
		default:
			m.began = time.Now().Add(-waited) // the wait for the flight was none for Redis
			away = append(away, m)
		}
	}
	return away
}

// parallelTurns is how many keys of a batch go on one by one at the same time.
const parallelTurns = 64

// obtainEach goes on one by one, with calls whose keys are written again and again. What a
// loader does to its goroutine, a panic or runtime.Goexit, it does to the caller's.
func (c *Cache[K, V]) obtainEach(ctx context.Context, b *batch[K, V], open []*call[K, V], load loader.BatchFunc[K, V], s settings) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make([]ending[K, V], len(open))
	places := make(chan struct{}, parallelTurns)
	var turns sync.WaitGroup
	for i, m := range open {
		end := &ends[i]
		end.key = m.key // the call gives it up
		places <- struct{}{}
		turns.Go(func() {
			defer func() {
				if !end.returned {
					end.panicked = recover()
					cancel()
				}
				<-places
			}()
			end.value, end.err = c.obtain(ctx, m, oneOf(load), s, false)
			end.returned = true
		})
	}
	turns.Wait()
	for _, end := range ends {
		switch {
		case end.panicked != nil:
			panic(end.panicked)
		case !end.returned:
			runtime.Goexit()
		}
		b.note(end.key, end.value, end.err)
	}
}

// An ending is how one of several calls has ended that go on at the same time.
type ending[K comparable, V any] struct {
	key      K
	value    V
	err      error
	returned bool
	panicked any
}

// oneOf makes a loader of one entry of a batch loader.
func oneOf[K comparable, V any](load loader.BatchFunc[K, V]) loader.EntryFunc[K, V] {
	return func(ctx context.Context, key K) (e loader.Entry[V], err error) {
		values, err := load(ctx, []K{key})
		if err = keyError(err, key); err != nil {
			return e, err
		}
		v, ok := values[key]
		if !ok {
			return e, ErrNotFound
		}
		return loader.Entry[V]{Value: v}, nil
	}
}
