package cache_test

import (
	"net"
	"os"
	"sync"
	"time"
)

// slowConn delays what it reads, but not beyond its deadline. The server need not
// wait until that is read.
type slowConn struct {
	net.Conn
	faults *faults

	mu       sync.Mutex
	arrived  []byte
	err      error
	deadline time.Time
	changed  chan struct{} // closed when one of the above changes
}

func newSlowConn(inner net.Conn, f *faults) *slowConn {
	c := &slowConn{Conn: inner, faults: f, changed: make(chan struct{})}
	go c.pump()
	return c
}

func (c *slowConn) pump() {
	buf := make([]byte, 4096)
	for {
		n, err := c.Conn.Read(buf)
		c.change(func() { c.arrived, c.err = append(c.arrived, buf[:n]...), err })
		if err != nil {
			return
		}
	}
}

func (c *slowConn) change(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *slowConn) SetDeadline(at time.Time) error { return c.SetReadDeadline(at) }

func (c *slowConn) SetReadDeadline(at time.Time) error {
	c.change(func() { c.deadline = at })
	return nil
}

func (c *slowConn) Read(p []byte) (int, error) {
	if err := c.await(); err != nil {
		return 0, err
	}
	if err := c.pass(c.faults.answerDelay()); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.arrived)
	c.arrived = c.arrived[n:]
	if n == 0 {
		return 0, c.err
	}
	return n, nil
}

// await waits until there is something to read, or an error to tell.
func (c *slowConn) await() error {
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
func (c *slowConn) pass(d time.Duration) error {
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
