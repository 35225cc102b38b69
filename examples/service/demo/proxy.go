package demo

import (
	"net"
	"sync"
)

// States of Redis, as its clients see it through the proxy.
const (
	up      = "up"
	frozen  = "frozen"  // it accepts connections and commands, and does not answer
	stopped = "stopped" // it closes connections
)

// A proxy stands in front of a Redis, so that the page can take it away from all clients.
type proxy struct {
	target   string
	listener net.Listener

	mu      sync.Mutex // guards all below
	state   string
	flowing chan struct{} // closed unless frozen
	conns   map[net.Conn]struct{}
	closed  bool
}

func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		target: target, listener: listener, state: up,
		flowing: make(chan struct{}), conns: make(map[net.Conn]struct{}),
	}
	close(p.flowing)
	go p.accept()
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// set changes the state. What was sent to a frozen Redis arrives when it is up again.
func (p *proxy) set(state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == frozen && state != frozen {
		close(p.flowing)
	}
	if p.state != frozen && state == frozen {
		p.flowing = make(chan struct{})
	}
	p.state = state
	if state == stopped {
		p.disconnect()
	}
}

func (p *proxy) now() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p *proxy) close() {
	p.set(stopped)
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
}

// disconnect closes all connections. It needs the lock.
func (p *proxy) disconnect() {
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *proxy) serve(client net.Conn) {
	if !p.keep(client) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	if !p.keep(server) {
		_ = client.Close()
		return
	}
	go p.copy(server, client)
	p.copy(client, server)
}

// keep adds a connection to those that are closed with the proxy, or closes it.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == stopped || p.closed {
		_ = c.Close()
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

// copy carries one direction of a connection, and closes both ends when that is over.
func (p *proxy) copy(to, from net.Conn) {
	defer func() {
		_, _ = to.Close(), from.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, to)
		delete(p.conns, from)
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		flowing := p.flowing
		p.mu.Unlock()
		<-flowing
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
