package faultnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A conn reads ahead of the client, so that a server need not wait until a delay is over.
type conn struct {
	net.Conn
	network *Network

	mu       sync.Mutex // guards all below
	arrived  []byte
	err      error // of what can be read after it
	lost     bool  // the next answer is lost
	deadline time.Time
	held     []byte        // of what was written, see Network.Hold
	closed   bool          // by the client, with bytes that are held
	changed  chan struct{} // closed when one of the above changes
}

func newConn(inner net.Conn, n *Network) *conn {
	c := &conn{Conn: inner, network: n, changed: make(chan struct{})}
	go c.readAhead()
	return c
}

func (c *conn) readAhead() {
	buf := make([]byte, 4096)
	for {
		n, err := c.Conn.Read(buf)
		c.change(func() {
			if c.lost || n > 0 && c.network.loses(buf[:n]) {
				n, err = 0, errors.Join(io.EOF, c.Conn.Close())
			}
			got, cut := c.network.spoiled(buf[:n])
			if cut {
				err = errors.Join(io.EOF, c.Conn.Close())
			}
			c.arrived, c.err = append(c.arrived, got...), err
		})
		if err != nil {
			c.network.forget(c)
			return
		}
	}
}

func (c *conn) change(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *conn) Write(p []byte) (int, error) {
	cut, lost := c.network.written(p)
	if cut {
		return 0, errors.Join(net.ErrClosed, c.Close())
	}
	if lost {
		c.change(func() { c.lost = true })
	}
	if c.network.holdsOf(c) {
		c.change(func() { c.held = append(c.held, p...) })
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// Close leaves the server's end open while there are bytes that it is to get.
func (c *conn) Close() error {
	held := false
	c.change(func() {
		if held = len(c.held) > 0; held {
			c.closed, c.err = true, net.ErrClosed
		}
	})
	if held {
		return nil
	}
	return c.Conn.Close()
}

// release sends what was held. A connection that its client has closed ends a second later, when
// the server has carried that out.
func (c *conn) release() {
	c.mu.Lock()
	held, closed := c.held, c.closed
	c.held = nil
	c.mu.Unlock()
	_ = c.Conn.SetWriteDeadline(time.Time{})
	_, _ = c.Conn.Write(held)
	if closed {
		time.AfterFunc(time.Second, func() { _ = c.Conn.Close() })
	}
}

func (c *conn) SetDeadline(at time.Time) error {
	return errors.Join(c.SetReadDeadline(at), c.SetWriteDeadline(at))
}

func (c *conn) SetReadDeadline(at time.Time) error {
	c.change(func() { c.deadline = at })
	return nil
}

func (c *conn) Read(p []byte) (int, error) {
	if err := c.await(); err != nil {
		return 0, err
	}
	if err := c.pass(c.network.late()); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p[:c.network.most(len(p))], c.arrived)
	c.arrived = c.arrived[n:]
	if n == 0 {
		return 0, c.err
	}
	return n, nil
}

// await waits until there is something to read, or an error to tell.
func (c *conn) await() error {
	for {
		c.mu.Lock()
		ready, changed, deadline := len(c.arrived) > 0 || c.err != nil, c.changed, c.deadline
		c.mu.Unlock()
		if ready {
			return nil
		}
		var late <-chan time.Time
		if !deadline.IsZero() {
			left := time.Until(deadline)
			if left <= 0 { // no timer that is due at once: see CONTRIBUTING.md
				return os.ErrDeadlineExceeded
			}
			late = time.After(left)
		}
		select {
		case <-changed:
		case <-late:
			return os.ErrDeadlineExceeded
		}
	}
}

// pass lets d pass, or the time until the deadline.
func (c *conn) pass(d time.Duration) error {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	if left := time.Until(deadline); !deadline.IsZero() && left < d {
		time.Sleep(left)
		return os.ErrDeadlineExceeded
	}
	time.Sleep(d)
	return nil
}
