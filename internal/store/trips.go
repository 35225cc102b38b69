package store

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/stack"
)

// A trip is one pipeline that is shared by many callers. They get on until it departs.
type trip struct {
	passengers []passenger

	arrived  chan struct{} // closed when all below is set
	err      error         // of all passengers, which may still be in use; nil: each has its own
	panicked any           // what a hook of the client has panicked with
}

// A passenger is what one caller sends: a command, or an errand, which runs in one command
// with those of others that are like it.
type passenger struct {
	cmd    redis.Cmder
	errand *errand
}

func (p passenger) err() error {
	if p.errand != nil {
		return p.errand.err
	}
	return p.cmd.Err()
}

// trips are the pipelines of a store. Each lane is a goroutine that carries one trip after
// the other, for as long as any are waiting; so while a trip is on its way the next one
// gathers. There is one lane, and more when a trip is full or has waited for long, be it for
// a large value or a connection that is dead.
type trips struct {
	size average // of an answer

	mu      sync.Mutex // guards all below
	waiting []*trip    // in the order of departure: who comes gets on the last one
	lanes   int
	delay   *time.Timer // opens another lane, some time after a trip has begun to wait
}

const (
	maxLanes  = 4
	minSeats  = 16 // unless answers are large
	maxSeats  = 256
	maxDelay  = time.Millisecond // that a trip waits for a lane to come back
	tripBytes = 256 << 10        // of answers, which those behind them wait for
)

// dispatch calls together, which shares a pipeline, while many commands are in flight.
// Otherwise it calls alone, for what is sent by itself; also when the pipeline was in vain
// and the same may be sent again.
func (s *Store) dispatch(how repetition, together, alone func() error) error {
	defer s.traffic.leave()
	if s.traffic.enter() {
		err := together()
		if !how.permits(err) {
			s.sawLoss(err)
			return err
		}
	}
	return alone()
}

// share sends passengers along with others, in the order given, and returns the first
// error. Where that is the context's, or the store's own, they may still be in use. The time
// now is when the wait begins.
func (s *Store) share(ctx context.Context, now time.Time, all ...passenger) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := s.board(all)
	if err != nil {
		return err
	}
	w := s.patience.window(now)
	select {
	case <-t.arrived:
	case <-w.given:
		if s.alight(t, all) { // or else it may have a connection
			return w.err
		}
		select {
		case <-t.arrived:
		case <-w.ended:
			return w.err
		case <-ended(ctx):
			return ctx.Err()
		case <-cancelled(ctx):
			return ctx.Err()
		}
	case <-ended(ctx):
		s.alight(t, all)
		return ctx.Err()
	case <-cancelled(ctx):
		s.alight(t, all)
		return ctx.Err()
	}
	switch {
	case t.panicked != nil:
		panic(t.panicked) // where it would have been if the passenger had been sent by itself
	case t.err != nil:
		return t.err
	}
	for _, p := range all {
		if err := p.err(); err != nil {
			return err
		}
	}
	return nil
}

// board finds a trip for passengers.
func (s *Store) board(all []passenger) (*trip, error) {
	p := &s.trips
	p.mu.Lock()
	defer p.mu.Unlock()
	full := len(p.waiting) > 0 && len(p.waiting[len(p.waiting)-1].passengers) >= s.seats()
	if p.lanes == 0 || full && p.lanes < maxLanes {
		if err := s.openLane(); err != nil {
			return nil, err
		}
	}
	if full || len(p.waiting) == 0 {
		p.waiting = append(p.waiting, &trip{arrived: make(chan struct{})})
		if p.delay == nil {
			p.delay = time.AfterFunc(maxDelay, s.hurry)
		} else {
			p.delay.Reset(maxDelay)
		}
	}
	t := p.waiting[len(p.waiting)-1]
	t.passengers = append(t.passengers, all...)
	return t, nil
}

// openLane starts a lane; the caller holds the lock.
func (s *Store) openLane() error {
	ticket, err := s.detached.enter()
	if err == nil {
		s.trips.lanes++
		go s.drive(ticket)
	}
	return err
}

// hurry opens another lane when a trip is still waiting.
func (s *Store) hurry() {
	p := &s.trips
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 && p.lanes < maxLanes && s.openLane() == nil {
		p.delay.Reset(maxDelay)
	}
}

// alight takes passengers off a trip, and reports whether that has not departed.
func (s *Store) alight(t *trip, all []passenger) bool {
	p := &s.trips
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.waiting, t) {
		return false
	}
	t.passengers = slices.DeleteFunc(t.passengers, func(p passenger) bool { return slices.Contains(all, p) })
	return true
}

// drive is what a lane does.
func (s *Store) drive(ticket *ticket) {
	stack.Grow()
	ended := false
	defer func() {
		if !ended { // what greets new connections may call runtime.Goexit
			go s.drive(ticket)
			return
		}
		s.detached.leave(ticket)
	}()
	for !ended {
		runtime.Gosched() // those who have just been answered are likely to ask again
		if t := s.trips.next(); t != nil {
			s.carry(t)
		} else {
			ended = true
		}
	}
}

// next returns the trip that departs, or nil when the lane ends.
func (p *trips) next() *trip {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.lanes--
		return nil
	}
	t := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	return t
}

// carry sends what is on a trip and waits for the answers, for as long as a command that
// departs now may take.
func (s *Store) carry(t *trip) {
	t.err = errNoAnswer
	defer func() {
		t.panicked = recover()
		close(t.arrived)
	}()
	if len(t.passengers) == 0 {
		return
	}
	cmds, errands := t.split()
	send := func(ctx context.Context) (struct{}, error) {
		// Once: who has left must not leave behind what is sent again, after writes that came later.
		return struct{}{}, s.carryOut(ctx, once, errands, cmds...)
	}
	ctx := s.patience.context(context.Background(), time.Now())
	if s.own {
		_, t.err = send(ctx)
	} else { // a hook may do to a goroutine what it likes
		_, t.err = detach(ctx, s, send)
	}
	if t.err == nil {
		s.trips.learn(cmds, len(t.passengers))
	}
}

func (t *trip) split() (cmds []redis.Cmder, errands []*errand) {
	for _, p := range t.passengers {
		if p.errand != nil {
			errands = append(errands, p.errand)
			continue
		}
		p.cmd.SetStepCount(1) // as in process
		cmds = append(cmds, p.cmd)
	}
	return cmds, errands
}

// learn notes how large the answers of a trip were.
func (p *trips) learn(cmds []redis.Cmder, passengers int) {
	var bytes int64
	for _, cmd := range cmds {
		if raw, ok := cmd.(*redis.RawWriteToCmd); ok {
			bytes += raw.Val()
		}
	}
	p.size.saw(float64(bytes) / float64(passengers))
}

// seats returns how many commands get on a trip: few when answers are large, and half of
// those in flight, so that one half is worked on by the server and the other one here.
func (s *Store) seats() int {
	half := max(int(s.traffic.inFlight.Load())/2, minSeats)
	return min(max(int(tripBytes/max(s.trips.size.bytes(), 1)), 1), half, maxSeats)
}
