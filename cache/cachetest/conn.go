package cachetest

import (
	"io"
	"net"
	"syscall"
	"time"
)

// address is where the embedded Redis pretends to be.
const address = "cachetest:6379"

// addr is the address of both ends of a link.
type addr struct{}

func (addr) Network() string { return "tcp" }
func (addr) String() string  { return address }

// A clientEnd is the net.Conn of a client.
type clientEnd struct{ *link }

var _ net.Conn = clientEnd{}

func (c clientEnd) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receive(p)
}

func (c clientEnd) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.clientClosed:
		return 0, net.ErrClosed
	case c.lost == errRefused:
		return 0, errRefused
	case c.lost != nil || c.serverClosed:
		return 0, errBroken
	case past(c.writeDeadline):
		return 0, timeout("write")
	}
	c.send(p)
	return len(p), nil
}

// Close drops a call that is held back; what was sent is executed.
func (c clientEnd) Close() error {
	c.mu.Lock()
	c.clientClosed = true
	c.held, c.fault = nil, pending{}
	c.changed.Broadcast()
	c.mu.Unlock()
	c.server.forget(c.link)
	return nil
}

func (c clientEnd) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c clientEnd) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readDeadline = t
	c.changed.Broadcast()
	return nil
}

func (c clientEnd) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeDeadline = t
	return nil
}

// SyscallConn is how go-redis checks that a connection is still alive, before it takes
// it out of its pool.
func (c clientEnd) SyscallConn() (syscall.RawConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.clientClosed:
		return nil, net.ErrClosed
	case c.lost != nil || c.serverClosed:
		return nil, errBroken
	}
	return alive{}, nil
}

// alive is a socket that has nothing to be peeked at.
type alive struct{}

func (alive) Control(func(fd uintptr)) error    { return nil }
func (alive) Read(func(fd uintptr) bool) error  { return nil }
func (alive) Write(func(fd uintptr) bool) error { return nil }

func (clientEnd) LocalAddr() net.Addr  { return addr{} }
func (clientEnd) RemoteAddr() net.Addr { return addr{} }

// A serverEnd is the net.Conn of the embedded Redis, which sets no deadlines.
type serverEnd struct{ *link }

var _ net.Conn = serverEnd{}

func (s serverEnd) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case len(s.requests) > 0 && !s.serverClosed:
			n := copy(p, s.requests)
			s.requests = s.requests[n:]
			return n, nil
		case s.last || s.lost != nil || s.clientClosed || s.serverClosed:
			return 0, io.EOF
		}
		s.wait(time.Time{})
	}
}

func (s serverEnd) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mute {
		s.answers = append(s.answers, p...)
		s.changed.Broadcast()
	}
	return len(p), nil
}

func (s serverEnd) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serverClosed = true
	s.changed.Broadcast()
	return nil
}

func (serverEnd) LocalAddr() net.Addr              { return addr{} }
func (serverEnd) RemoteAddr() net.Addr             { return addr{} }
func (serverEnd) SetDeadline(time.Time) error      { return nil }
func (serverEnd) SetReadDeadline(time.Time) error  { return nil }
func (serverEnd) SetWriteDeadline(time.Time) error { return nil }
