package redistest

import (
	"net"
	"sync"
	"time"
)

// A buffered connection takes what is written without waiting for the reader, as
// a socket does. net.Pipe does not: a client that sends a long pipeline and a
// server that answers its first commands would wait for each other.
type buffered struct {
	net.Conn

	mu     sync.Mutex
	filled sync.Cond // of mu: there is something in queue, or err is set
	queue  []byte
	err    error // of the first write that failed; net.ErrClosed after Close
}

func newBuffered(c net.Conn) net.Conn {
	b := &buffered{Conn: c}
	b.filled.L = &b.mu
	go b.pump()
	return b
}

// pump sends the queue until the connection ends.
func (b *buffered) pump() {
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && b.err == nil {
			b.filled.Wait()
		}
		p, err := b.queue, b.err
		b.queue = nil
		b.mu.Unlock()
		if err != nil {
			return
		}
		if _, err = b.Conn.Write(p); err != nil {
			b.fail(err)
		}
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.queue = append(b.queue, p...)
	b.filled.Signal()
	return len(p), nil
}

// SetDeadline is that of reads: a write never waits.
func (b *buffered) SetDeadline(at time.Time) error { return b.SetReadDeadline(at) }

// SetWriteDeadline does nothing, see SetDeadline.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }

func (b *buffered) Close() error {
	b.fail(net.ErrClosed)
	return b.Conn.Close()
}

func (b *buffered) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.filled.Signal()
}
