package cachetest

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/minitracking"
)

// A Server is an embedded Redis in memory. Keys expire as time passes, in a
// testing/synctest bubble as virtual time does. Its faults are set by Fail,
// Hang, Drop, DropAnswer and Down, and end with Up. All methods are safe for
// concurrent use.
//
// Each command walks over all keys that have a TTL. That is fast for the keys
// of a test, and takes 5 ms for 20,000 of them.
type Server struct {
	redis    *miniredis.Miniredis
	tracking *minitracking.Tracking

	mu     sync.Mutex
	client *redis.Client // made by the first call of Client
	links  map[*link]struct{}
	calls  int
	faults []pending
	down   bool
	closed bool // down for good
}

// NewServer returns an empty Redis that ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{redis: miniredis.NewMiniRedis(), links: make(map[*link]struct{})}
	first, err := s.redis.Dial() // starts it without a listener
	if err != nil {
		t.Fatalf("cachetest: starting the embedded Redis: %v", err)
	}
	_ = first.Close()
	s.redis.ClockTTL(true)
	s.tracking = minitracking.Add(s.redis)
	t.Cleanup(s.close)
	return s
}

func (s *Server) close() {
	s.mu.Lock()
	client := s.client
	s.down, s.closed = true, true
	s.mu.Unlock()
	if client != nil {
		keyspace.ClearDecodeLoaded(client)
		_ = client.Close()
	}
	s.redis.Close()
}

// Client returns the client that NewOn makes caches with, always the same one: to
// inspect what Redis holds, or to write as another program would. Its settings are
// go-redis's defaults, retries and timeouts included, save for the number of
// connections. It ends with the test.
func (s *Server) Client() *redis.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		s.client = redis.NewClient(s.Options())
	}
	return s.client
}

// Options returns the options of a client of this server, to be changed by a test
// that needs a client with settings of its own. The test closes such a client.
func (s *Server) Options() *redis.Options {
	return &redis.Options{
		Addr:   address,
		Dialer: s.dial,
		// The queue for connections has timers of the whole process, which a bubble does
		// not survive: there are enough connections that no caller waits.
		PoolSize: 5000,
		// When on, they look the address up in the DNS, which no bubble survives.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dial returns a new connection. That the server is down shows when it is used.
func (s *Server) dial(context.Context, string, string) (net.Conn, error) {
	l := newLink(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		// An error of the dial would last beyond Up: go-redis continues to dial in the
		// background, and fails calls for up to a second.
		l.lose(errRefused)
		return clientEnd{l}, nil
	}
	s.links[l] = struct{}{}
	s.redis.Server().ServeConn(serverEnd{l})
	return clientEnd{l}, nil
}

// forget drops a connection that has ended.
func (s *Server) forget(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
}

// DecodeLoaded makes the caches that NewOn makes on the server from now on, or cache.New on
// its Client, return a loaded value to the caller whose loader ran as they return it to all
// others: as the codec decodes it. Otherwise that caller gets the very value of its loader, so
// that what the codec loses, such as an unexported field, is missing only later.
func (s *Server) DecodeLoaded() { keyspace.SetDecodeLoaded(s.Client()) }

// Advance makes every key in Redis d older, as if that much time had passed for
// it. It is for tests outside of a bubble, where a test cannot wait for a TTL. The clock of the
// process, and with it every timeout, stays as it is. It panics if d is negative,
// because no TTL gets longer.
func (s *Server) Advance(d time.Duration) {
	if d < 0 {
		panic("cachetest: Server.Advance by a negative duration: keys do not get younger")
	}
	s.redis.FastForward(d)
	s.tracking.FlushAll() // some may have expired
}

// Calls returns how many calls the server has seen so far, those that failed
// included. A call is what a client sends before it waits for the answer: a
// command, a pipeline or a transaction. What go-redis sends to set a connection up
// (HELLO, AUTH, SELECT, READONLY, CLIENT) is none.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// connected returns the connections that there are now.
func (s *Server) connected() []*link {
	links := make([]*link, 0, len(s.links))
	for l := range s.links {
		links = append(links, l)
	}
	return slices.Clip(links)
}
