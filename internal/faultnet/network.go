package faultnet

import (
	"bytes"
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Network leads the connections of its clients to their servers. The zero value has no faults.
// Its methods are safe for concurrent use.
type Network struct {
	mu       sync.Mutex // guards all below
	conns    map[*conn]struct{}
	delay    func() time.Duration
	word     string            // of the requests whose answers are lost
	lose     int               // how many of them
	requests int               // with the word
	answer   func([]byte) bool // the next that it is true of is lost
	spoil    func([]byte) ([]byte, bool)
	longest  int // bytes of a write; 0: any number
	piece    int // bytes of a read; 0: any number
	refused  bool
	refuse   int // further dials
	holds    bool
	held     []*conn // with bytes that are held

	dials, cut int
	sent       int64
}

// A Dialer is what go-redis's options have of that name.
type Dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// Through makes a client dial through the network, by the dialer that it had.
func (n *Network) Through(o *redis.UniversalOptions) { o.Dialer = n.Dialer(o.Dialer) }

// Dialer returns a dialer through the network. It dials by next, or as go-redis does if that
// is nil.
func (n *Network) Dialer(next Dialer) Dialer {
	if next == nil {
		next = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if n.refuses() {
			return Refused(ctx, network, addr)
		}
		inner, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return n.connect(inner, addr)
	}
}

// refuses counts a dial and tells whether it is refused.
func (n *Network) refuses() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials++
	if n.refuse > 0 {
		n.refuse--
		return true
	}
	return n.refused
}

// connect makes a connection one of the network, unless that has begun to refuse meanwhile.
func (n *Network) connect(inner net.Conn, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refused {
		_ = inner.Close()
		return nil, refusal(addr)
	}
	c := newConn(inner, n)
	if n.conns == nil {
		n.conns = map[*conn]struct{}{}
	}
	n.conns[c] = struct{}{}
	return c, nil
}

func (n *Network) forget(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// Delay makes everything that a client reads arrive later by what delay returns. A read does
// not take longer than its deadline, and the server need not wait. With nil nothing is late.
func (n *Network) Delay(delay func() time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = delay
}

// LoseAnswers loses the answers to the next count requests with an argument word, spelt so:
// the server carries them out, and the connection breaks in place of the answer.
func (n *Network) LoseAnswers(word string, count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.word, n.lose, n.requests = word, count, 0
}

// LoseAnswer breaks the connection in place of the next answer that is so, of whatever request:
// answers are what arrives at one time. With nil none is lost any more.
func (n *Network) LoseAnswer(isSo func(answer []byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = isSo
}

// loses tells whether an answer is the one to be lost.
func (n *Network) loses(answer []byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.answer == nil || !n.answer(answer) {
		return false
	}
	n.answer = nil
	return true
}

// Spoil has clients read got in place of each answer, after which its connection breaks if cut
// is true: answers are what arrives at one time. With nil they read what was sent.
func (n *Network) Spoil(spoil func(answer []byte) (got []byte, cut bool)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spoil = spoil
}

// spoiled returns what is left of an answer.
func (n *Network) spoiled(answer []byte) (got []byte, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spoil == nil {
		return answer, false
	}
	return n.spoil(answer)
}

// Requests returns how many requests with that word were sent since LoseAnswers was called.
func (n *Network) Requests() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.requests
}

// CutWritesAbove breaks a connection over a write of more bytes, none of which arrive. With 0
// a write may have any length.
func (n *Network) CutWritesAbove(size int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.longest = size
}

// Cut returns how many connections CutWritesAbove has broken since it was asked last.
func (n *Network) Cut() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	cut := n.cut
	n.cut = 0
	return cut
}

// ReadInPieces hands out at most size bytes a read, so that what one read leaves is there for
// the next.
func (n *Network) ReadInPieces(size int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.piece = size
}

// Refuse breaks all connections and refuses further ones, until it is called with false.
func (n *Network) Refuse(refused bool) {
	n.mu.Lock()
	n.refused = refused
	conns := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// RefuseNext refuses the next count connections.
func (n *Network) RefuseNext(count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuse = count
}

// Hold keeps what clients send from now on, as a proxy or the kernel of a frozen server may do,
// until Release; the server gets it then, also of a connection that its client has closed. With
// false it keeps no more, but for the connections of which it holds something.
func (n *Network) Hold(holds bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.holds = holds
}

// Release ends Hold, and sends what was held.
func (n *Network) Release() {
	n.mu.Lock()
	held := n.held
	n.held, n.holds = nil, false
	n.mu.Unlock()
	for _, c := range held {
		c.release()
	}
}

// holdsOf reports whether to keep what a connection sends.
func (n *Network) holdsOf(c *conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Contains(n.held, c) {
		return true
	}
	if n.holds {
		n.held = append(n.held, c)
	}
	return n.holds
}

// Sent returns how many bytes the clients have sent.
func (n *Network) Sent() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent
}

// Dials returns how many connections were asked for.
func (n *Network) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// written notes a write, and tells whether the connection is to break over it, and whether its
// answer is to be lost.
func (n *Network) written(p []byte) (cut, lost bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.longest > 0 && len(p) > n.longest {
		n.cut++
		return true, false
	}
	n.sent += int64(len(p))
	if n.word != "" && bytes.Contains(p, []byte("\r\n"+n.word+"\r\n")) {
		n.requests++
		lost = n.requests <= n.lose
	}
	return false, lost
}

// late returns by how much what is read now is late.
func (n *Network) late() time.Duration {
	n.mu.Lock()
	delay := n.delay
	n.mu.Unlock()
	if delay == nil {
		return 0
	}
	return delay()
}

// most returns how many of size bytes a read may hand out.
func (n *Network) most(size int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.piece > 0 {
		return min(size, n.piece)
	}
	return size
}
