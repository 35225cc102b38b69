package store

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/resp"
)

// ErrWrongType is the error of a read of a key that holds another Redis type than
// the store's shape.
var ErrWrongType = errors.New("the key holds another Redis type")

// A Store keeps entries of one shape in Redis. It is safe for concurrent use.
type Store struct {
	*executor   // shared with the other stores on the client
	shape       codec.Shape
	kind        kind
	patience    patience
	detached    detached
	replicas    int     // that writes wait for
	unpipelined bool    // its commands share no pipelines, and are not counted
	answers     average // size of a read's answer
	values      average // size of the answers for each of many keys
	released    sync.Once
}

// New returns a store whose commands wait for Redis no longer than timeout. The
// error says why a client cannot serve.
func New(rdb redis.UniversalClient, shape codec.Shape, timeout time.Duration) (*Store, error) {
	if err := checkClient(rdb); err != nil {
		return nil, err
	}
	kind, known := kinds[shape]
	if !known {
		return nil, fmt.Errorf("the codec's shape is %d, which is none that package codec names", shape)
	}
	kind.name = shape.String()
	s := &Store{executor: executorOf(rdb), shape: shape, kind: kind, patience: patience{timeout: timeout}}
	s.patience.overdue = s.connect
	s.detached.abandoned = &s.abandoned
	return s, nil
}

// checkClient returns an error if a client cannot serve.
func checkClient(rdb redis.UniversalClient) error {
	if rdb == nil || reflect.ValueOf(rdb).Kind() == reflect.Pointer && reflect.ValueOf(rdb).IsNil() {
		return errors.New("the client is nil: pass a connected redis.UniversalClient, such as redis.NewClient returns")
	}
	switch rdb := rdb.(type) {
	case *redis.Client:
		if rdb.Options().ClientSideCacheConfig != nil {
			return errors.New("the client caches answers itself (ClientSideCacheConfig) and may return a value after it was deleted: pass a client without it")
		}
	case *redis.ClusterClient:
		opt := rdb.Options()
		if opt.ReadOnly || opt.RouteByLatency || opt.RouteRandomly {
			return errors.New("the cluster client reads from replicas (ReadOnly, RouteByLatency or RouteRandomly), which may still hold a value that was deleted: pass a client that reads from masters")
		}
	case *redis.Ring:
		return errors.New("a redis.Ring forgets deletes when a shard leaves and comes back: pass a redis.Client or redis.ClusterClient")
	}
	return nil
}

// honouring returns a client on the same connection pool that honours a context's deadline,
// as the default client does not, if that can be had. cloned tells that it is a clone, which
// has the hooks of the connections but not those of the commands, so that a client with such
// hooks is taken as it is.
func honouring(rdb *redis.Client) (honours redis.UniversalClient, synchronous, cloned bool) {
	opt := rdb.Options()
	if opt.ContextTimeoutEnabled || hooked(rdb) {
		return rdb, opt.ContextTimeoutEnabled, false
	}
	clone := cloneOf(rdb)
	clone.Options().ContextTimeoutEnabled = true
	return clone, true, true
}

// cloneOf returns a client on the same connection pool with options of its own, and
// without the hooks of commands.
func cloneOf(rdb *redis.Client) *redis.Client {
	opt := rdb.Options()
	clone := rdb.WithTimeout(opt.ReadTimeout)
	clone.Options().WriteTimeout = opt.WriteTimeout
	return clone
}

// An Entry is what one key holds, with room for the answer it came in. After an
// error it may still be in use by the command that failed, so that it must not be
// used again, unless IsBroken tells that there was an answer.
type Entry struct {
	Wire  codec.Wire    // the value, present or to be stored
	State State         // set by Inspect
	TTL   time.Duration // set by Inspect, when asked for; Forever for none

	Leased bool // set by Inspect: the key is being loaded

	reply   resp.Reply
	key     string               // what the arguments of command point at
	command *redis.RawWriteToCmd // reads the whole value, again and again
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
	e.reply.Trim(maxKept)
}

// Alias gives e what another entry has, which may be borrowed by many at once and has
// to stay as it is.
func (e *Entry) Alias(other *Entry) {
	e.State, e.TTL, e.Leased = other.State, other.TTL, other.Leased
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
			return 0, fmt.Errorf("%w: a part of %d bytes is longer than the 512 MB that it takes", ErrTooLarge, size)
		}
		n += len(e.Wire.Name(i)) + len(e.Wire.Value(i))
	}
	return n, nil
}

// largest returns the bytes of the longest part of the value.
func (e *Entry) largest() (n int) {
	for i := range e.Wire.Len() {
		n = max(n, len(e.Wire.Name(i)), len(e.Wire.Value(i)))
	}
	return n
}

// HoldsEmpties reports whether a value can be one that Redis cannot hold, such as
// a hash without fields or a list without elements.
func (s *Store) HoldsEmpties() bool { return s.shape != codec.ShapeString }

// IsBroken reports whether Redis answered with something that is no value of the
// store's shape.
func IsBroken(err error) bool {
	return errors.Is(err, ErrWrongType) || errors.Is(err, resp.ErrBroken)
}

// isWrongType reports whether Redis refused a command for the type of its key.
func isWrongType(err error) bool { return err != nil && redis.HasErrorPrefix(err, "WRONGTYPE") }
