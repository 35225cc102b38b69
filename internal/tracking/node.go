package tracking

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	minPause   = 10 * time.Millisecond // before another attempt to connect
	maxPause   = time.Second
	refusalFor = time.Minute // until a server is asked again that cannot track
)

// A node is a master, and the connection to it.
type node struct {
	of      *shared
	options *redis.Options
	cancel  context.CancelFunc

	wake    chan struct{} // of 1: the next beat is to come now
	changed chan struct{} // of 1: there are other subscriptions
	idle    atomic.Bool   // nobody asks for the epoch
	state   atomic.Pointer[state]
	view    *view // of a cluster; guarded by of.mu

	mu   sync.Mutex // guards what follows, and is held while state is written
	conn *conn      // the newest
	err  error      // why the last connection was lost, or not made
}

// A state is what a node is listened to for; nil while it is not. It does not change.
type state struct {
	epoch   *Epoch
	changes uint64 // of the subscriptions that it has followed
}

// run keeps a node connected until ctx ends.
func (n *node) run(ctx context.Context) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		began := time.Now()
		err := n.connected(ctx)
		if time.Since(began) > maxPause {
			attempt = 0
		}
		n.lost(err)
		pause := min(minPause<<min(attempt, 10), maxPause)
		pause = pause/2 + rand.N(pause) // the processes of a fleet do not come at once
		if errors.Is(err, ErrCannotTrack) {
			pause = refusalFor
		}
		select {
		case <-time.After(pause):
		case <-n.changed:
		case <-ctx.Done():
		}
	}
	n.lost(errClosed)
}

// connected connects, and returns why it is not any more.
func (n *node) connected(ctx context.Context) error {
	c, err := connect(ctx, n.options, n.of.invalidate, n.renew)
	if err != nil {
		return err
	}
	defer c.end()
	n.mu.Lock()
	n.conn = c
	n.mu.Unlock()
	h := heart{node: n, conn: c}
	return h.beat()
}

// begin begins an epoch, after so many changes of the subscriptions.
func (n *node) begin(changes uint64) {
	now := Now() // what is read from now on has all that was written before
	n.of.flush(0)
	n.mu.Lock()
	n.state.Store(&state{n.newEpoch(now), changes})
	n.err = nil
	n.mu.Unlock()
	n.of.tell()
}

func (n *node) newEpoch(confirmed int64) *Epoch {
	e := &Epoch{node: n}
	e.confirmed.Store(confirmed)
	return e
}

// extend makes the epoch one of further subscriptions as well, after so many changes.
func (n *node) extend(changes uint64) {
	s := n.state.Load()
	if s == nil || s.changes == changes {
		return
	}
	n.of.flush(s.changes)
	n.mu.Lock()
	if s := n.state.Load(); s != nil {
		n.state.Store(&state{s.epoch, changes})
	}
	n.mu.Unlock()
	n.of.tell()
}

// renew ends the epoch, and begins another that is as well confirmed.
func (n *node) renew() {
	n.mu.Lock()
	if s := n.state.Load(); s != nil {
		n.state.Store(&state{n.newEpoch(s.epoch.confirmed.Load()), s.changes})
		s.epoch.ended.Store(true)
	}
	n.mu.Unlock()
	n.of.flush(0)
}

// confirm notes that all up to a time has been heard.
func (n *node) confirm(at int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.state.Load(); s != nil && at > s.epoch.confirmed.Load() {
		s.epoch.confirmed.Store(at)
	}
}

// end ends the epoch, if there is one.
func (n *node) end() {
	n.mu.Lock()
	s := n.state.Swap(nil)
	if s != nil {
		s.epoch.ended.Store(true)
	}
	n.mu.Unlock()
	if s != nil {
		n.of.flush(0)
	}
}

// lost notes why there is no connection.
func (n *node) lost(err error) {
	n.end()
	n.mu.Lock()
	n.err = err
	n.mu.Unlock()
	if n.of.cluster {
		n.of.claim(n, nil)
	}
	n.of.tell()
}

// dial connects to the server of a client, by its own dialer.
func dial(ctx context.Context, opt *redis.Options) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, opt.DialTimeout)
	defer cancel()
	return within(ctx, func() (nc net.Conn, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the dialer of the client panicked: %v", p)
			}
		}()
		return opt.Dialer(ctx, opt.Network, opt.Addr)
	}, func(nc net.Conn) { _ = nc.Close() })
}
