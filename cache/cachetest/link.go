package cachetest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A link is a connection between a client and the embedded Redis. Like a socket,
// and unlike net.Pipe, it buffers what is written until it is read: a client that
// writes a long pipeline does not read the first answers yet.
//
// What a client writes up to its next read is a call. A call with a fault is held
// back until then, so that the fault is that of the whole call.
type link struct {
	server *Server

	mu      sync.Mutex // guards all below
	changed sync.Cond  // some of it has changed

	requests []byte // on the way to the server
	answers  []byte // on the way to the client
	held     []byte // the call that has a fault

	calling bool    // the client has begun a call
	reading int     // the client's reads that wait
	fault   pending // of the call in held

	listens      bool  // for a near cache: its calls do not count
	last         bool  // no more requests will come
	mute         bool  // answers are lost
	lost         error // the connection is broken: what the client's reads return
	clientClosed bool
	serverClosed bool

	readDeadline, writeDeadline time.Time
}

// The errors of a TCP connection.
var (
	errReset  = &net.OpError{Op: "read", Net: "tcp", Addr: addr{}, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errBroken = &net.OpError{Op: "write", Net: "tcp", Addr: addr{}, Err: os.NewSyscallError("write", syscall.EPIPE)}
)

// errRefused is no net.OpError: go-redis would retry after one, within the handshake
// and around it, for half a second.
var errRefused error = refused{}

type refused struct{}

func (refused) Error() string        { return "dial tcp " + address + ": connect: connection refused" }
func (refused) Is(target error) bool { return target == syscall.ECONNREFUSED }

func timeout(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: addr{}, Err: os.ErrDeadlineExceeded}
}

func newLink(s *Server) *link {
	l := &link{server: s}
	l.changed.L = &l.mu
	return l
}

// lose breaks the connection: the client's reads return err, and what has not
// reached the server never will.
func (l *link) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loseLocked(err)
}

func (l *link) loseLocked(err error) {
	if l.lost == nil {
		l.lost = err
	}
	l.mute = true
	l.requests, l.answers, l.held, l.fault = nil, nil, nil, pending{}
	l.changed.Broadcast()
}

// release sends a call that was held back on, without its fault.
func (l *link) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, l.held...)
	l.held, l.fault = nil, pending{}
	l.changed.Broadcast()
}

// send adds a part of a call.
func (l *link) send(p []byte) {
	if !l.calling {
		l.calling = true
		l.listens = l.listens || isTracking(p)
		// All calls behind one that hangs do so as well.
		switch {
		case l.fault.fault != none:
		case l.listens:
			l.fault = l.server.lasting()
		case !isHandshake(p):
			l.fault = l.server.next()
		}
	}
	if l.fault.fault == none {
		l.requests = append(l.requests, p...)
	} else {
		l.held = append(l.held, p...)
	}
	if l.reading > 0 {
		l.endCall()
	}
	l.changed.Broadcast()
}

// endCall ends a call, which is complete, and applies its fault.
func (l *link) endCall() {
	l.calling = false
	switch l.fault.fault {
	case none, hang:
		return
	case fail:
		l.answers = appendFailures(l.answers, l.held, l.fault.reply)
	case drop:
		l.loseLocked(io.EOF)
	case dropAnswer:
		l.requests = append(l.requests, l.held...)
		l.last, l.mute = true, true
	}
	l.held, l.fault = nil, pending{}
	l.changed.Broadcast()
}

// receive waits for answers.
func (l *link) receive(p []byte) (int, error) {
	l.endCall()
	l.reading++
	defer func() { l.reading-- }()
	for {
		switch {
		case l.clientClosed:
			return 0, net.ErrClosed
		case past(l.readDeadline):
			return 0, timeout("read")
		case len(l.answers) > 0:
			n := copy(p, l.answers)
			l.answers = l.answers[n:]
			return n, nil
		case l.lost != nil:
			return 0, l.lost
		case l.serverClosed:
			return 0, io.EOF
		}
		l.wait(l.readDeadline)
	}
}

// wait returns when something has changed or the deadline has come.
func (l *link) wait(deadline time.Time) {
	if !deadline.IsZero() {
		timer := time.AfterFunc(time.Until(deadline), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.changed.Broadcast()
		})
		defer timer.Stop()
	}
	l.changed.Wait()
}

func past(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}
