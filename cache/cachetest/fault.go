package cachetest

import (
	"math"
	"strings"

	"github.com/asidecache/aside/internal/client"
)

// All is the number of calls of a fault that lasts until Up.
const All = math.MaxInt

// A fault is what happens to one call.
type fault uint8

const (
	none       fault = iota
	fail             // answered with an error, not executed
	hang             // neither executed nor answered until Up
	drop             // the connection breaks before the call is executed
	dropAnswer       // the connection breaks after it
)

// pending is a fault of the next n calls.
type pending struct {
	fault fault
	n     int
	reply string // of fail
}

// Fail makes Redis answer the next n calls with err's text as its error, and not
// execute them. The commands of a pipeline get one answer each; a transaction fails as a
// whole.
//
// Faults are queued: the next n calls, of whatever client, are those after the calls that
// earlier faults are for. See Calls for what a call is. Some calls are repeated, and count
// again: a cache asks once more when its plain read is answered with an error or loses its
// connection, and go-redis repeats, up to three times, what loses its connection or is
// answered with an error such as LOADING; neither repeats a transaction. So a small n may
// have no visible effect; All always has. The connections on which near caches hear of writes
// have those faults alone that are of All.
func (s *Server) Fail(n int, err error) {
	text := strings.NewReplacer("\r", " ", "\n", " ").Replace(err.Error())
	s.ask(pending{fail, n, "-" + text + "\r\n"})
}

// Hang makes the next n calls hang, as those to a server that is frozen: they are
// not answered until Up, when they are executed. A call whose client has closed the
// connection by then is not executed. See Fail for what n counts.
func (s *Server) Hang(n int) { s.ask(pending{fault: hang, n: n}) }

// Drop makes the next n calls lose their connection before they are executed.
// See Fail for what n counts.
func (s *Server) Drop(n int) { s.ask(pending{fault: drop, n: n}) }

// DropAnswer makes the next n calls lose their connection after they were executed:
// the client cannot know that they were. See Fail for what n counts.
func (s *Server) DropAnswer(n int) { s.ask(pending{fault: dropAnswer, n: n}) }

func (s *Server) ask(p pending) {
	if p.n <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, p)
}

// Down makes the server unreachable until Up: all connections break, with the calls
// under way, and new ones are refused, at once. What Redis holds stays, and expires as usual.
func (s *Server) Down() {
	s.mu.Lock()
	s.down = true
	links := s.connected()
	s.mu.Unlock()
	for _, l := range links {
		l.lose(errReset)
	}
}

// Up ends all faults: the server is reachable, calls that hang are executed and
// answered, and the faults of later calls are dropped. Without a fault it
// does nothing.
//
// It also closes the breaker of the caches on Client, which is open after five calls in a row
// without an answer, see cache.BreakerState: the next call asks the server again. That of a client
// which a test has made of Options closes within a second, as with a real server.
func (s *Server) Up() {
	s.mu.Lock()
	s.down = s.closed
	s.faults = nil
	links, rdb := s.connected(), s.client
	s.mu.Unlock()
	for _, l := range links {
		l.release()
	}
	if rdb != nil {
		client.Recovered(rdb)
	}
}

// next counts a call and returns its fault.
func (s *Server) next() pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if len(s.faults) == 0 {
		return pending{}
	}
	p := &s.faults[0]
	next := *p
	if p.n--; p.n == 0 {
		s.faults = s.faults[1:]
	}
	return next
}

// lasting returns the fault of a connection that only listens, which is that of all calls, if
// there is one.
func (s *Server) lasting() pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 || s.faults[0].n < All/2 {
		return pending{}
	}
	return s.faults[0]
}
