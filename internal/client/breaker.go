package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A server that does not answer is asked no more by those that wait for it, until a probe of
// its own finds that it does: see [executor.admit] for the first, and probe.go for the second.
// Each master of a cluster has a breaker, any other client one.

// maxLost is how many round trips in a row a server has to leave without an answer until its
// breaker opens. One call makes up to three, so that no call alone opens it.
const maxLost = 5

// breakers are those of an executor. Only a server that has left the latest round trip
// without an answer has one, so that nobody else looks further than at their number.
type breakers struct {
	troubled atomic.Int32 // how many there are
	open     atomic.Int32 // how many of them are open
	opened   atomic.Uint64

	mu             sync.Mutex // guards all below
	of             map[string]*breaker
	longestTimeout time.Duration // the longest timeout of a store
	asked          time.Time     // when a command was last checked while there was a breaker

	probers sync.WaitGroup
	stop    chan struct{} // made by the first prober, closed when the last store is
	stopped bool

	changes changes
}

// A breaker counts what one server has left without an answer; breakers.mu guards it.
type breaker struct {
	server string // its address in a cluster, see executor.serverOf
	key    string // of the latest command, which probes ask for
	lost   int    // round trips in a row, or commands where it was silent
	err    error  // what has become of the last one
	since  time.Time

	open    *OpenError    // nil: closed
	probing bool          // a goroutine probes the server
	first   chan struct{} // closed with the first probe after a rest; nil: none is waited for
}

// An OpenError is that of a command that was not sent, as its server answers nobody.
type OpenError struct {
	Server string    // the address of a cluster's master, else empty
	Since  time.Time // when the first command was sent that it has not answered
	Cause  error     // what has become of the last one
	text   string    // which all calls look at
}

func (e *OpenError) Error() string {
	if e.text == "" {
		return e.textOf(e.Cause)
	}
	return e.text
}

func (e *OpenError) textOf(cause error) string {
	at := ""
	if e.Server != "" {
		at = " at " + e.Server
	}
	return fmt.Sprintf("not sent: Redis%s has failed since %s (%v), "+
		"and a probe has to be answered first", at, e.Since.UTC().Format(time.RFC3339), cause)
}

// IsOpen reports whether a command was not sent because of a breaker.
func IsOpen(err error) bool {
	if _, ok := err.(*OpenError); ok || err == nil {
		return ok
	}
	var open *OpenError
	return errors.As(err, &open)
}

// allow notes the timeout of one more store.
func (b *breakers) allow(timeout time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.longestTimeout = max(b.longestTimeout, timeout)
}

// check returns an *OpenError if the server is not to be asked.
func (x *executor) check(ctx context.Context, server string) error {
	open, first, longest := x.breakers.check(x, server)
	if open == nil {
		return nil
	}
	x.reloads.want(x.rdb) // its keys may have another master by now
	if first == nil {
		return open
	}
	select {
	case <-first:
	case <-time.After(longest):
	case <-ended(ctx):
	case <-cancelled(ctx):
	}
	if open, _, _ := x.breakers.check(x, server); open != nil {
		return open
	}
	return nil
}

// check has all servers probed that are not, and returns the error of one whose breaker is
// open. Where probes have rested, first is closed with the first one, which a caller awaits
// for so long: the server is likely to be there again.
func (b *breakers) check(
	x *executor, server string,
) (open *OpenError, first <-chan struct{}, longest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = time.Now()
	for _, other := range b.of {
		if other.open != nil && !other.probing && !b.stopped {
			other.first = make(chan struct{})
			b.startProber(x, other)
		}
	}
	if br := b.of[server]; br != nil && br.open != nil {
		return br.open, br.first, b.longestTimeout / 10
	}
	return nil, nil, 0
}

// answered notes that a server has answered. Only a probe closes a breaker that is open.
func (b *breakers) answered(server string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if br := b.of[server]; br != nil && br.open == nil {
		b.remove(br)
	}
}

// A miss is a round trip that a server has left without an answer.
type miss struct {
	key     string
	err     error
	began   time.Time
	outcome outcome // silent, broken or fails
	silent  int     // how many commands were not answered, of many callers; 0 counts as one
	shared  bool    // it was of several servers, and not all of them may have missed it
}

// lost notes a miss. The breaker opens with the maxLost-th in a row, if that is proof enough.
// Where callers have merely left, it has to be silence for as long as the most patient store
// waits, since a server that answers later than others wait for is slow, and not dead. Of
// connections that are lost the server may know nothing, and many can be at one time: then a
// probe has to fail as well.
func (b *breakers) lost(x *executor, server string, m miss) {
	b.mu.Lock()
	defer b.mu.Unlock()
	br := b.of[server]
	switch {
	case b.stopped, br != nil && (br.open != nil || m.shared):
		return
	case br == nil:
		br = &breaker{server: server, since: m.began}
		if b.of == nil {
			b.of = make(map[string]*breaker)
		}
		b.of[server] = br
		b.troubled.Add(1)
	}
	br.key = m.key
	br.lost += min(max(m.silent, 1), maxLost-1) // no round trip alone opens it
	br.err = m.err
	if br.lost < maxLost {
		return
	}
	// A caller that waits for a connection leaves up to an eighth of its timeout earlier.
	silence := time.Since(br.since) >= b.longestTimeout*3/4
	switch {
	case m.outcome == fails, m.outcome == silent && silence:
		b.trip(br)
		b.startProber(x, br)
	case m.outcome == broken:
		b.startProber(x, br)
	}
}

// trip opens a breaker; the caller holds the lock.
func (b *breakers) trip(br *breaker) {
	br.open = &OpenError{Server: br.server, Since: br.since, Cause: br.err}
	br.open.text = br.open.Error()
	b.open.Add(1)
	b.opened.Add(1)
	b.asked = time.Now()
	b.changes.add(Change{Open: true, Err: br.open})
}

// close closes a breaker, if it is open; the caller holds the lock.
func (b *breakers) close(br *breaker) {
	b.remove(br)
	if br.open != nil {
		b.open.Add(-1)
		b.changes.add(Change{Err: br.open})
	}
}

// reset closes all breakers. Their probers end with their next probes.
func (b *breakers) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, br := range b.of {
		b.close(br)
	}
}

// remove has a server without a breaker; the caller holds the lock.
func (b *breakers) remove(br *breaker) {
	delete(b.of, br.server)
	b.troubled.Add(-1)
}

// BreakerOpen reports whether there is a server that is not asked, one of the masters in a
// cluster.
func (c *Client) BreakerOpen() bool { return c.breakers.open.Load() > 0 }

// BreakerOpened returns how often a breaker has opened since the store was made.
func (c *Client) BreakerOpened() uint64 { return c.breakers.opened.Load() - c.openedBefore }
