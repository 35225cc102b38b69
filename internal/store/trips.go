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

// A trip is one pipeline that is shared by commands of many callers. They get on until it
// departs.
type trip struct {
	cmds []redis.Cmder

	arrived  chan struct{} // closed when all below is set
	err      error         // of all commands, which may still be in use; nil: each has its own
	panicked any           // what a hook of the client has panicked with
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

// share sends a command along with others and returns its error. Where that is the
// context's, or the store's own, the command may still be in use.
func (s *Store) share(ctx context.Context, cmd redis.Cmder, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd.SetStepCount(1) // as in process
	t, err := s.board(cmd)
	if err != nil {
		return err
	}
	select {
	case <-t.arrived:
	case <-s.patience.window(now).ended:
		return s.alight(t, cmd, context.DeadlineExceeded)
	case <-ctx.Done():
		return s.alight(t, cmd, ctx.Err())
	case <-cancelled(ctx):
		return s.alight(t, cmd, ctx.Err())
	}
	switch {
	case t.panicked != nil:
		panic(t.panicked) // where it would have been if the command had been sent by itself
	case t.err != nil:
		return t.err
	}
	return cmd.Err()
}

// askShared sends a read along with others or by itself. An answer that was lost is asked
// for once more.
func askShared[C redis.Cmder](ctx context.Context, s *Store, read func(context.Context) C) (C, error) {
	defer s.traffic.leave()
	if s.traffic.enter() {
		cmd := read(ctx)
		err := s.share(ctx, cmd, time.Now())
		if !often.permits(err) {
			s.sawLoss(err)
			return cmd, err
		}
	}
	return run(ctx, s, func(ctx context.Context) (C, error) {
		cmd := read(ctx)
		return cmd, process(ctx, s.rdb, cmd)
	})
}

// board finds a trip for a command.
func (s *Store) board(cmd redis.Cmder) (*trip, error) {
	p := &s.trips
	p.mu.Lock()
	defer p.mu.Unlock()
	full := len(p.waiting) > 0 && len(p.waiting[len(p.waiting)-1].cmds) >= s.seats()
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
	t.cmds = append(t.cmds, cmd)
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

// alight takes a command off a trip that has not departed.
func (s *Store) alight(t *trip, cmd redis.Cmder, err error) error {
	p := &s.trips
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.waiting, t) {
		t.cmds = slices.DeleteFunc(t.cmds, func(c redis.Cmder) bool { return c == cmd })
	}
	return err
}

// drive is what a lane does.
func (s *Store) drive(ticket *ticket) {
	stack.Grow()
	defer s.detached.leave(ticket)
	for {
		runtime.Gosched() // those who have just been answered are likely to ask again
		t := s.trips.next()
		if t == nil {
			return
		}
		s.carry(t)
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

// carry sends the commands of a trip and waits for the answers, for as long as a command
// that departs now may take.
func (s *Store) carry(t *trip) {
	defer func() {
		t.panicked = recover()
		close(t.arrived)
	}()
	if len(t.cmds) == 0 {
		return
	}
	send := func(ctx context.Context) (struct{}, error) {
		p := s.rdb.Pipeline()
		_ = p.BatchProcess(ctx, t.cmds...)
		return struct{}{}, refused(p.Exec(ctx))
	}
	ctx := s.patience.context(context.Background(), time.Now())
	if s.own {
		_, t.err = send(ctx)
	} else { // a hook may do to a goroutine what it likes
		_, t.err = detach(ctx, s, send)
	}
	if t.err == nil {
		s.trips.learn(t)
	}
}

// learn notes how large the answers of a trip were.
func (p *trips) learn(t *trip) {
	var bytes int64
	for _, cmd := range t.cmds {
		if raw, ok := cmd.(*redis.RawWriteToCmd); ok {
			bytes += raw.Val()
		}
	}
	p.size.saw(float64(bytes) / float64(len(t.cmds)))
}

// seats returns how many commands get on a trip: few when answers are large, and half of
// those in flight, so that one half is worked on by the server and the other one here.
func (s *Store) seats() int {
	half := max(int(s.traffic.inFlight.Load())/2, minSeats)
	return min(max(int(tripBytes/max(s.trips.size.bytes(), 1)), 1), half, maxSeats)
}
