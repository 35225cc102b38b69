package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// idle is what a store knows of its attempts to be rid of idle connections.
type idle struct {
	closing sync.Mutex   // held while they are closed
	begun   atomic.Int64 // how many times that was begun
	later   atomic.Bool  // it will be done once more
}

// closeIdle closes the idle connections of a client of one server, to which others are made
// where its address leads now. go-redis closes only the connection whose first command is
// refused by a server that must not write: the others would go on to serve what that server
// still holds. Those in use now are idle by the time that a command may take, and closed then.
func (s *Store) closeIdle(ctx context.Context) {
	rdb, ok := s.rdb.(*redis.Client)
	if !ok {
		return
	}
	next := s.idle.begun.Load() + 1 // what has begun before may have missed the caller's connection
	s.idle.closing.Lock()
	defer s.idle.closing.Unlock()
	if s.idle.begun.Load() >= next {
		return
	}
	s.idle.begun.Add(1)
	closeIdle(ctx, rdb)
	if s.idle.later.CompareAndSwap(false, true) {
		time.AfterFunc(s.patience.timeout, func() {
			s.idle.later.Store(false)
			ctx, cancel := context.WithTimeout(context.Background(), s.patience.timeout)
			defer cancel()
			closeIdle(ctx, rdb)
		})
	}
}

// closeIdle takes as many connections of both pools as are idle, all at one time, and has
// go-redis close them.
func closeIdle(ctx context.Context, rdb *redis.Client) {
	clone := cloneOf(rdb) // no hook has to see this
	clone.Options().ContextTimeoutEnabled = true
	stats := clone.PoolStats()
	alone, piped := int(stats.IdleConns), 0
	if stats.PipelineStats != nil {
		piped = int(stats.PipelineStats.IdleConns)
	}
	taken := &taking{all: make(chan struct{})}
	taken.left.Store(int32(alone + piped))
	var takers sync.WaitGroup
	for i := range alone + piped {
		takers.Go(func() {
			var arrive sync.Once
			defer arrive.Do(taken.arrive) // it got no connection
			cmd := unsendable(ctx, func() {
				arrive.Do(taken.arrive)
				select { // or two commands would be given the same connection
				case <-taken.all:
				case <-ctx.Done():
				}
			})
			if i < alone {
				_ = process(ctx, clone, cmd)
			} else {
				_ = exec(ctx, clone, []redis.Cmder{cmd})
			}
		})
	}
	takers.Wait()
}

// A taking is several commands that each have a connection of their own.
type taking struct {
	left atomic.Int32
	all  chan struct{} // closed when none is left
}

func (t *taking) arrive() {
	if t.left.Add(-1) == 0 {
		close(t.all)
	}
}

// breakOff has go-redis close the connection that a client holds.
func breakOff(ctx context.Context, to link) { _ = process(ctx, to, unsendable(ctx, func() {})) }

// unsendable is a command that go-redis cannot send, so that it closes the connection which
// it has taken for it. Before that it calls taken.
func unsendable(ctx context.Context, taken func()) redis.Cmder {
	return unrepeated{redis.NewCmd(ctx, "ping", argument(taken))}
}

// An argument is one without bytes.
type argument func()

var errUnsendable = errors.New("the connection is to be closed")

// MarshalBinary is what go-redis calls when it has a connection.
func (taken argument) MarshalBinary() ([]byte, error) {
	taken()
	return nil, errUnsendable
}
