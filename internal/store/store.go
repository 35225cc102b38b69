package store

import (
	"fmt"
	"sync/atomic"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/resp"
)

// A Store keeps entries of one shape in Redis. It is safe for concurrent use.
type Store struct {
	*client.Client
	shape     codec.Shape
	kind      kind
	family    rediskey.Family
	control   client.Refusal // of control keys
	ttls      bool           // see ReadTTLs
	probeTTLs bool           // of strings that Probe finds, too
	deleter   client.Deleter // of its keys

	leaseTerms atomic.Pointer[terms] // the last ones
}

// New returns a store whose commands wait for Redis no longer than timeout. The
// error says why a client cannot serve.
func New(rdb redis.UniversalClient, shape codec.Shape, timeout time.Duration) (*Store, error) {
	c, err := client.New(rdb, timeout)
	if err != nil {
		return nil, err
	}
	kind, known := kinds[shape]
	if !known {
		c.Close()
		return nil, fmt.Errorf("the codec's shape is %d, which is none that package codec names", shape)
	}
	kind.name = shape.String()
	s := &Store{Client: c, shape: shape, kind: kind}
	s.deleter = deleter{weak.Make(s)}
	return s, nil
}

// SetFamily says which keys the store's are, before it is used. Without it their control keys
// are those of keys without a version, and no write removes other versions' values.
func (s *Store) SetFamily(f rediskey.Family) {
	s.family = f
	s.SetControlPrefix(f.Prefix())
}

// loadKeys are the keys of the scripts of a load: a value key and its control key. Each is a
// string, in the form in which commands take it.
func (s *Store) loadKeys(key string) []any { return []any{key, s.family.Control(key)} }

// writeKeys are the keys of a write: those of a load, and then the keys of the neighbouring
// versions, whose values it removes.
func (s *Store) writeKeys(key string) []any {
	return s.family.AppendKeys(make([]any, 0, maxWriteKeys), key)
}

// maxWriteKeys is for a value key, its control key, three neighbours and a staged value.
const maxWriteKeys = 6

// An Entry is what one key holds, with room for the answer it came in. After an
// error it may still be in use by the command that failed, so that it must not be
// used again, unless IsBroken tells that there was an answer.
type Entry struct {
	Wire   codec.Wire    // the value, present or to be stored
	TTL    time.Duration // remaining, when asked for; Forever for none, 0 for one that is over
	State  State         // set by Inspect
	Leased bool          // set by Inspect: the key is being loaded

	own *entryRead // see read; nil for an entry that is only stored
}

// An entryRead is what reads of one Entry use again and again.
type entryRead struct {
	reply   resp.Reply
	answer  *resp.Reply          // to many keys, whose memory the Wire and others alias; see FreeAnswers
	key     string               // what the arguments of command point at
	command *redis.RawWriteToCmd // reads the whole value
	pttl    *pttlRead            // of a store that reads TTLs
}

// read returns what e is read with.
func (e *Entry) read() *entryRead {
	if e.own == nil {
		e.own = new(entryRead)
	}
	return e.own
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
	e.forgetAnswer()
	if r := e.own; r != nil {
		r.reply.Trim(maxKept)
	}
}

func (e *Entry) forgetAnswer() {
	if r := e.own; r != nil {
		r.answer = nil
	}
}

// Alias gives e what another entry has, which many may share at once and has
// to stay as it is.
func (e *Entry) Alias(other *Entry) {
	e.State, e.TTL, e.Leased = other.State, other.TTL, other.Leased
	w := &other.Wire
	e.Wire.Reset(w.Key())
	for i := range w.Len() {
		e.Wire.Add(w.Name(i), w.Value(i))
	}
}

// Copy gives e what another entry has, in memory of its own.
func (e *Entry) Copy(other *Entry) {
	e.State, e.TTL, e.Leased = other.State, other.TTL, other.Leased
	w, size := &other.Wire, 0
	for i := range w.Len() {
		size += len(w.Name(i)) + len(w.Value(i))
	}
	text := make([]byte, 0, size)
	own := func(b []byte) []byte {
		if b == nil { // a part without a name
			return nil
		}
		text = append(text, b...)
		return text[len(text)-len(b) : len(text) : len(text)]
	}
	e.Wire.Reset(w.Key())
	for i := range w.Len() {
		e.Wire.Add(own(w.Name(i)), own(w.Value(i)))
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
			return 0, fmt.Errorf("%w: a part of %d bytes is longer than the 512 MB that it takes", client.ErrTooLarge, size)
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
