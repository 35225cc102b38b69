package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// Errors of the store beside those of Redis and of contexts.
var (
	// ErrWrongType: the key holds another Redis type than the store's shape.
	ErrWrongType = errors.New("the key holds another Redis type")
	// ErrUnanswered: too many commands wait for Redis, no further one is sent.
	ErrUnanswered = errors.New("too many commands are still unanswered by Redis")
)

// maxStrays bounds the commands that their callers have given up and Redis has
// not answered yet, each of which holds a goroutine. Only clients that do not
// honour deadlines have any.
const maxStrays = 512

// A Store keeps entries of one shape in Redis. It is safe for concurrent use.
type Store struct {
	rdb      redis.UniversalClient
	shape    codec.Shape
	patience patience
	readWith any  // the plain command that reads a whole value, boxed once
	direct   bool // rdb honours a context's deadline: call it on the caller's goroutine

	strays  atomic.Int64
	running sync.WaitGroup // commands on goroutines of their own
}

// New returns a store whose commands wait for Redis no longer than timeout. The
// error says why a client cannot serve.
func New(rdb redis.UniversalClient, shape codec.Shape, timeout time.Duration) (*Store, error) {
	s := &Store{rdb: rdb, shape: shape, patience: patience{timeout: timeout}}
	if rdb == nil || reflect.ValueOf(rdb).Kind() == reflect.Pointer && reflect.ValueOf(rdb).IsNil() {
		return nil, errors.New("the client is nil: pass a connected redis.UniversalClient, such as redis.NewClient returns")
	}
	switch shape {
	case codec.ShapeString:
		s.readWith = "get"
	case codec.ShapeHash:
		s.readWith = "hgetall"
	default:
		return nil, fmt.Errorf("a codec of shape %v is not supported yet: use one that keeps the value in a string or a hash", shape)
	}
	switch rdb := rdb.(type) {
	case *redis.Client:
		if rdb.Options().ClientSideCacheConfig != nil {
			return nil, errors.New("the client caches answers itself (ClientSideCacheConfig) and may return a value after it was deleted: pass a client without it")
		}
		s.rdb, s.direct = heedful(rdb), true
	case *redis.ClusterClient:
		opt := rdb.Options()
		if opt.ReadOnly || opt.RouteByLatency || opt.RouteRandomly {
			return nil, errors.New("the cluster client reads from replicas (ReadOnly, RouteByLatency or RouteRandomly), which may still hold a value that was deleted: pass a client that reads from masters")
		}
		s.direct = opt.ContextTimeoutEnabled
	case *redis.Ring:
		return nil, errors.New("a redis.Ring forgets deletes when a shard leaves and comes back: pass a redis.Client or redis.ClusterClient")
	}
	return s, nil
}

// heedful returns a client on the same connection pool that honours a context's
// deadline, which the default client does not.
func heedful(rdb *redis.Client) *redis.Client {
	opt := rdb.Options()
	if opt.ContextTimeoutEnabled {
		return rdb
	}
	clone := rdb.WithTimeout(opt.ReadTimeout)
	clone.Options().WriteTimeout = opt.WriteTimeout
	clone.Options().ContextTimeoutEnabled = true
	return clone
}

// Close waits for commands that have been given up, but not longer than one
// answer may take: their client ends them in its own time.
func (s *Store) Close() {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(s.patience.timeout):
	}
}

// run calls fn, which sends commands, and returns when it has or when ctx has
// ended. In the latter case fn may still be running: what it uses is lost to the
// caller.
func (s *Store) run(ctx context.Context, fn func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.direct {
		return fn(ctx)
	}
	if s.strays.Load() >= maxStrays {
		return ErrUnanswered
	}
	answered := make(chan error, 1)
	s.running.Go(func() { answered <- fn(ctx) })
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
	case <-cancelled(ctx):
	}
	s.strays.Add(1)
	s.running.Go(func() {
		<-answered
		s.strays.Add(-1)
	})
	return ctx.Err()
}

// until is run for commands that are off the hot path.
func (s *Store) until(ctx context.Context, deadline time.Time, fn func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return s.run(ctx, fn)
}

// An Entry is what one key holds, with room for the answer it came in. After an
// error it may still be in use by the command that failed: do not use it again.
type Entry struct {
	Wire  codec.Wire    // the value, present or to be stored
	State State         // set by Look
	TTL   time.Duration // set by Look, when asked for; Forever for none

	reply reply
	key   string // what the arguments of the command point at
	args  [2]any
}

// A State says what Redis knows of a key.
type State uint8

const (
	Missing State = iota // nothing
	Present              // a value
	Absent               // that the source has none
)

// Forever is the TTL of an entry that does not expire.
const Forever time.Duration = -1

// Release gives up the value, and memory that only a large one needs.
func (e *Entry) Release() {
	e.Wire.Reset("")
	if cap(e.reply.buf) > maxKept {
		e.reply.buf = nil
	}
}

// Borrow gives e the value of another entry, which may be borrowed by many at once
// and has to stay as it is.
func (e *Entry) Borrow(other *Entry) {
	w := &other.Wire
	e.Wire.Reset(w.Key())
	for i := range w.Len() {
		e.Wire.Add(w.Name(i), w.Value(i))
	}
}

// maxKept is how much of an answer's memory an Entry keeps for the next, in bytes.
const maxKept = 64 << 10

// Size returns the bytes of the value to be stored. An error tells of a part that
// Redis would answer by closing the connection.
func (e *Entry) Size() (n int, err error) {
	const maxBytes = 512 << 20
	for i := range e.Wire.Len() {
		size := max(len(e.Wire.Name(i)), len(e.Wire.Value(i)))
		if size > maxBytes {
			return 0, fmt.Errorf("a part of %d bytes is longer than the 512 MB that Redis takes", size)
		}
		n += len(e.Wire.Name(i)) + len(e.Wire.Value(i))
	}
	return n, nil
}

// HoldsEmpties reports whether a value can be one that Redis cannot hold, such as
// a hash without fields.
func (s *Store) HoldsEmpties() bool { return s.shape != codec.ShapeString }

// IsBroken reports whether Redis answered with something that is no value of the
// store's shape.
func IsBroken(err error) bool {
	return errors.Is(err, ErrWrongType) || errors.Is(err, errReply)
}
