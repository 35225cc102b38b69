package tracking

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// bound is for how long an epoch is proven without news.
const bound = time.Second

// limit is for how long a test waits before it fails.
const limit = time.Minute

// A recorder is a handler that notes what it is told.
type recorder struct {
	mu      sync.Mutex
	changed chan struct{} // closed when one of the following changes
	keys    []string      // since the last flush
	flushes int
	states  []told
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{})} }

func (r *recorder) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *recorder) Invalidate(key []byte) { r.note(func() { r.keys = append(r.keys, string(key)) }) }
func (r *recorder) Flush()                { r.note(func() { r.keys = nil; r.flushes++ }) }
func (r *recorder) StateChanged(connected bool, cause error) {
	r.note(func() { r.states = append(r.states, told{connected, cause}) })
}

// await waits until a condition on what is noted holds.
func (r *recorder) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(limit)
	for {
		r.mu.Lock()
		ok, changed := holds(), r.changed
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

func (r *recorder) awaitConnected(t *testing.T, connected bool) {
	t.Helper()
	r.await(t, "the listener to be connected or not", func() bool {
		return len(r.states) > 0 && r.states[len(r.states)-1].connected == connected
	})
}

func (r *recorder) awaitKey(t *testing.T, key string) {
	t.Helper()
	r.await(t, "an invalidation of "+key, func() bool { return slices.Contains(r.keys, key) })
}

// wasTold reports whether a cause was told.
func (r *recorder) wasTold(cause error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.states, func(s told) bool { return errors.Is(s.cause, cause) })
}

// forget forgets what was noted of keys and flushes.
func (r *recorder) forget() { r.note(func() { r.keys, r.flushes = nil, 0 }) }

// have returns the keys, each once, in order.
func (r *recorder) have() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(r.keys)))
}

// listen subscribes until the test ends.
func listen(t *testing.T, rdb redis.UniversalClient, prefixes ...string) (*Subscription, *recorder) {
	t.Helper()
	l, err := Listen(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	r := newRecorder()
	return l.Subscribe(prefixes, r), r
}

// awaitEpoch waits until the master of a key is listened to in an epoch other than old.
func awaitEpoch(t *testing.T, s *Subscription, key string, old *Epoch) *Epoch {
	t.Helper()
	for began := time.Now(); time.Since(began) < limit; time.Sleep(time.Millisecond) {
		if e := s.Epoch(key); e != nil && e != old {
			return e
		}
	}
	t.Fatalf("the master of %s is not listened to within %v", key, limit)
	return nil
}

// wantProven fails the test unless an epoch is proven, or is not.
func wantProven(t *testing.T, when string, e *Epoch, want bool) {
	t.Helper()
	if got := e.Proven(Now(), bound); got != want {
		t.Errorf("%s: proven %v, want %v", when, got, want)
	}
}

// A fake is a server that a test speaks for.
type fake struct {
	mu     sync.Mutex
	conns  []net.Conn
	frozen chan struct{} // not nil: nothing is answered until it is closed
	answer func(command []string) string
	asked  []string // what the commands were
}

// client returns a client of the fake.
func (f *fake) client(t *testing.T) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: f.dial})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func (f *fake) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	f.mu.Lock()
	f.conns = append(f.conns, server)
	f.mu.Unlock()
	go f.serve(server)
	return client, nil
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	r := newReader(conn)
	for {
		command, _, err := r.next(nil, nil)
		if err != nil {
			return
		}
		var args []string
		for _, arg := range command.([]any) {
			args = append(args, arg.(string))
		}
		f.mu.Lock()
		f.asked = append(f.asked, args[0])
		frozen, answer := f.frozen, f.answer
		f.mu.Unlock()
		if frozen != nil {
			<-frozen
		}
		text := ""
		if answer != nil {
			text = answer(args)
		}
		if text == "" {
			text = answerOfAMaster(args)
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			return
		}
	}
}

// answerOfAMaster is what a server that works answers.
func answerOfAMaster(command []string) string {
	switch command[0] {
	case "HELLO":
		return "%2\r\n$5\r\nproto\r\n:3\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
	case "PING":
		return "+" + command[1] + "\r\n"
	}
	return "+OK\r\n"
}

// freeze has the server answer nothing, until the function that it returns is called.
func (f *fake) freeze() (melt func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	frozen := make(chan struct{})
	f.frozen = frozen
	return func() {
		f.mu.Lock()
		f.frozen = nil
		f.mu.Unlock()
		close(frozen)
	}
}

// push sends something on the newest connection.
func (f *fake) push(t *testing.T, text string) {
	t.Helper()
	f.mu.Lock()
	conn := f.conns[len(f.conns)-1]
	f.mu.Unlock()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Error(err)
	}
}

// count returns how many commands of a name came since it was called last.
func (f *fake) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, asked := range f.asked {
		if asked == name {
			n++
		}
	}
	f.asked = nil
	return n
}

// invalidation is a push.
func invalidation(keys ...string) string {
	b := appendCommand(nil, keys...)
	return ">2\r\n$10\r\ninvalidate\r\n" + string(b)
}
