package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// A losing network loses the answers to chosen commands, after Redis has carried
// them out, and the connection with them.
type losing struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex // guards all below
	word   string     // chosen are the requests that hold it
	lose   int        // how many of them
	chosen int        // how many were sent
}

// through makes a client dial through the network.
func (l *losing) through(o *redis.UniversalOptions) {
	l.dial = o.Dialer
	if l.dial == nil {
		l.dial = new(net.Dialer).DialContext
	}
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := l.dial(ctx, network, addr)
		return &losingConn{Conn: c, network: l}, err
	}
}

// choose starts to lose the answers to the next n requests that hold a word.
func (l *losing) choose(word string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.word, l.lose, l.chosen = word, n, 0
}

func (l *losing) sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.chosen
}

type losingConn struct {
	net.Conn
	network *losing
	doomed  bool // go-redis writes and reads in turns
	lost    bool
}

func (c *losingConn) Write(p []byte) (int, error) {
	l := c.network
	l.mu.Lock()
	if l.word != "" && bytes.Contains(p, []byte("\r\n"+l.word+"\r\n")) {
		l.chosen++
		c.doomed = l.chosen <= l.lose
	}
	l.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *losingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.doomed && err == nil {
		c.lost = true
		err = c.Close()
	}
	if c.lost {
		return 0, errors.Join(io.EOF, err)
	}
	return n, err
}

// eachLosing is eachShape over a network that loses answers.
func eachLosing(t *testing.T, test func(t *testing.T, env *redistest.Env, l *losing, s *store.Store, value content)) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		l := new(losing)
		rdb := env.NewClient(t, l.through)
		test(t, env, l, newStore(t, rdb, shapeOf(value)), value)
	})
}

// A lost answer leaves open whether the value was stored. What must not happen is
// that the script runs again, finds the caller's own value and says "not stored".
func TestPutIfAbsentIsCarriedOutOnce(t *testing.T) {
	eachLosing(t, func(t *testing.T, env *redistest.Env, l *losing, s *store.Store, value content) {
		flushScripts(t, env.Client)
		if ok, err := s.PutIfAbsent(t.Context(), deadline(), "{k}warm", entry("{k}warm", value), time.Hour); !ok || err != nil {
			t.Fatalf("with a script that the server has to learn: %v, %v", ok, err)
		}
		l.choose("evalsha", 1)
		if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); ok || err == nil {
			t.Errorf("with its answer lost: %v, %v", ok, err)
		}
		if n := l.sent(); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
		wantStored(t, env.Client, "k", value)
	})
}

func TestReadsSurviveALostConnection(t *testing.T) {
	eachLosing(t, func(t *testing.T, env *redistest.Env, l *losing, s *store.Store, value content) {
		if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
			t.Fatal(err)
		}
		command := map[codec.Shape]string{
			codec.ShapeString: "get", codec.ShapeHash: "hgetall", codec.ShapeList: "lrange", codec.ShapeSet: "smembers", codec.ShapeSortedSet: "zrange",
		}[shapeOf(value)]
		s.ForTests().KnowMasters()
		l.choose(command, 1)
		if got, found, err := read(t, s, "k"); !found || err != nil || !maps.Equal(got, value) {
			t.Errorf("Read: %q, %v, %v", got, found, err)
		}
		if n := l.sent(); n != 2 {
			t.Errorf("Read sent %d commands, want 2", n)
		}
		l.choose(command, 1)
		if e, err := look(t, s, "k"); err != nil || !maps.Equal(contentOf(e), value) {
			t.Errorf("Inspect: %q, %v", contentOf(e), err)
		}
		l.choose(command, 1000)
		if _, found, err := read(t, s, "k"); found || err == nil || store.IsBroken(err) {
			t.Errorf("Read when all answers are lost: %v, %v", found, err)
		}
		if _, err := look(t, s, "k"); err == nil || store.IsBroken(err) {
			t.Errorf("Inspect when all answers are lost: %v", err)
		}
	})
}

// Writes that say the same however often they are carried out tell no lie: they
// succeed by a repetition, or fail.
func TestLostAnswersOfWrites(t *testing.T) {
	eachLosing(t, func(t *testing.T, env *redistest.Env, l *losing, s *store.Store, value content) {
		put := func() error { return s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour) }
		if err := put(); err != nil { // the servers learn the script
			t.Fatal(err)
		}
		l.choose("evalsha", 1)
		if err := put(); err != nil {
			t.Errorf("Put with one answer lost: %v", err)
		}
		wantStored(t, env.Client, "k", value)
		l.choose("evalsha", 1000)
		if err := put(); err == nil {
			t.Error("Put reports success without an answer")
		}
		if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err == nil {
			t.Error("PutAbsent reports success without an answer")
		}
		l.choose("unlink", 1)
		if failed := s.Delete(t.Context(), deadline(), []string{"k", "l"}); failed != nil {
			t.Errorf("Delete with one answer lost: %v", failed)
		}
		wantStored(t, env.Client, "k", nil)
		l.choose("unlink", 1000)
		if failed := s.Delete(t.Context(), deadline(), []string{"k", "l"}); len(failed) != 2 {
			t.Errorf("Delete reports without an answer %v", failed)
		}
		l.choose("", 0)
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if failed := s.Delete(t.Context(), deadline(), []string{"k", "l"}); failed != nil {
			t.Errorf("Delete when the network is well again: %v", failed)
		}
		wantStored(t, env.Client, "k", nil)
	})
}

// Idle connections that the server has ended are no failure.
func TestKilledConnections(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, _ *store.Store, value content) {
		if env.Mini != nil {
			t.Skip("miniredis has no CLIENT KILL")
		}
		rdb := env.NewClient(t)
		for _, sh := range shapes {
			if !maps.Equal(sh.value, value) {
				continue
			}
			s := newStore(t, rdb, sh.shape)
			for name, call := range map[string]func() error{
				"Put":     func() error { return s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour) },
				"Read":    func() error { _, _, err := read(t, s, "k"); return err },
				"Inspect": func() error { _, err := look(t, s, "k"); return err },
				"Touch":   func() error { _, err := s.Touch(t.Context(), deadline(), "k", time.Hour); return err },
				"Delete":  func() error { return s.Delete(t.Context(), deadline(), []string{"k"})[0] },
			} {
				kill(t, env.Client)
				if err := call(); err != nil {
					t.Errorf("%s after CLIENT KILL: %v", name, err)
				}
			}
		}
	})
}

// kill ends all connections of clients but the asking ones.
func kill(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	eachMaster(t, rdb, func(ctx context.Context, c *redis.Client) error {
		return c.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Err()
	})
}

func TestServerThatRestarts(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		i := server.Start(t, redistest.Standalone)
		for _, sh := range shapes {
			rdb := i.Client(t, func(o *redis.UniversalOptions) { o.MaxRetries, o.DialerRetries = -1, 1 })
			s := newStore(t, rdb, sh.shape)
			put := func() error { return s.Put(t.Context(), deadline(), "k", entry("k", sh.value), time.Hour) }
			if err := put(); err != nil {
				t.Fatal(err)
			}
			i.Nodes()[0].Kill(t)
			if _, found, err := read(t, s, "k"); found || err == nil {
				t.Errorf("%s: Read without a server: %v, %v", server, found, err)
			}
			if failed := s.Delete(t.Context(), deadline(), []string{"k"}); len(failed) != 1 {
				t.Errorf("%s: Delete without a server: %v", server, failed)
			}
			i.Nodes()[0].Restart(t)
			if _, found, err := read(t, s, "k"); found || err != nil {
				t.Errorf("%s: Read after the restart: %v, %v", server, found, err)
			}
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", sh.value), time.Hour); !ok || err != nil {
				t.Errorf("%s: PutIfAbsent after the restart: %v, %v", server, ok, err)
			}
		}
	}
}

// The answer to the first attempt is lost and the second is refused: the lease of the first
// stands, and nobody was told of it.
func TestAcquireLostThenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		attempts := 0
		rdb := env.NewClient(t)
		rdb.AddHook(hook{process: func(ctx context.Context, cmd redis.Cmder) error {
			if attempts++; attempts > 2 {
				return env.Client.Process(ctx, cmd)
			}
			err := error(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
			if attempts == 1 {
				_ = env.Client.Eval(ctx, "return redis.call('SET', KEYS[1], 'L' .. ARGV[1])", []string{rediskey.ControlKey("k")}, cmd.Args()[5]).Err()
				err = io.EOF
			}
			cmd.SetErr(err)
			return err
		}})
		s := newStore(t, rdb, codec.ShapeString)
		claim, err := s.Acquire(t.Context(), deadline(), "k", time.Minute, false)
		if attempts != 2 || err == nil || claim.Lease == nil {
			t.Fatalf("Acquire: %+v, %v after %d attempts, want the lease that may stand", claim, err, attempts)
		}
		if held, err := claim.Lease.Release(t.Context(), deadline()); !held || err != nil {
			t.Errorf("Release: %v, %v", held, err)
		}
	})
}

// A connection to a server that may not write any more, as after a failover behind one name,
// is not used again: the next one may find the master.
func TestReplicaIsLeft(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			replica := server.Start(t, redistest.Sentinel).Nodes()[1]
			var connections atomic.Int64
			rdb := redis.NewClient(&redis.Options{Addr: replica.Addr, OnConnect: func(context.Context, *redis.Conn) error {
				connections.Add(1)
				return nil
			}})
			defer rdb.Close()
			s := newStore(t, rdb, codec.ShapeString)
			asks := []store.Ask{{Key: "a"}, {Key: "b"}}
			s.AcquireAll(t.Context(), deadline(), asks, time.Minute) // the server learns the script
			for range 2 {
				before := connections.Load()
				s.AcquireAll(t.Context(), deadline(), asks, time.Minute)
				for _, ask := range asks {
					if !redis.HasErrorPrefix(ask.Err, "READONLY") {
						t.Errorf("error %v", ask.Err)
					}
				}
				if n := connections.Load() - before; n != 2 {
					t.Errorf("%d new connections, want 2: for the question and its repetition", n)
				}
			}
		})
	}
}
