package store

import (
	"fmt"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/resp"
)

// A Request is one operation on the elements of a value, and its answer: a plain
// command that reads, or commands that write, with all that a write has to see to, in
// one step. It is begun by Read or Write; then arguments are added in the order in which
// Redis takes them.
//
// After an error it may still be in use by the command that failed, so that it must
// not be used again.
type Request struct {
	// Parts is the answer without its structure: numbers are text, a part that is nil
	// stands for nothing. The parts are valid until the next Reset.
	Parts [][]byte

	shape  codec.Shape
	names  []string         // of the keys that should have the shape
	keys   []any            // of a write: those of its script, but for a staged one
	family *rediskey.Family // of a write
	write  bool
	args   []any
	buf    []byte // what arguments point into
	open   int    // where in args the number of the last command's arguments stands
	token  string // names the key where arguments are staged; empty: not yet needed
	long   int    // bytes of the longest argument
	reply  resp.Reply
}

// Rules say what a write does about the TTL of a value.
type Rules struct {
	Life  time.Duration // what a value that is new gets, or Forever
	Renew bool          // any other gets it too, rather than keep its own
	Known bool          // a key of which Redis knows no value is left alone
}

// Reset makes a request ready for an operation on values of a shape. Memory that only a large one
// needs is given up.
func (r *Request) Reset(shape codec.Shape) {
	r.shape = shape
	clear(r.Parts)
	clear(r.args)
	r.keys, r.family = nil, nil
	r.token, r.long = "", 0
	r.Parts, r.args, r.names, r.buf = r.Parts[:0], r.args[:0], r.names[:0], r.buf[:0]
	if cap(r.buf) > maxKept {
		r.buf = nil
	}
	r.reply.Trim(maxKept)
	if cap(r.args) > maxKeptArgs {
		r.args = nil
	}
	if cap(r.Parts) > maxKeptArgs {
		r.Parts = nil
	}
}

// maxKeptArgs is for how many arguments or parts a Request keeps memory.
const maxKeptArgs = 2048

// Key returns the key that the request is about, or the first of several.
func (r *Request) Key() string { return r.names[0] }

// Read begins the request of a plain command. It may have several keys.
func (r *Request) Read(command string, keys ...string) *Request {
	r.write = false
	r.names = append(r.names, keys...)
	r.args = append(r.args, command)
	for _, key := range keys {
		r.args = append(r.args, key)
	}
	return r
}

// Write begins the request of commands that change the value that s has of key.
func (r *Request) Write(s *Store, key string, rules Rules) *Request {
	r.write = true
	r.names = append(r.names, key)
	r.keys, r.family = s.writeKeys(key), &s.family
	r.args = append(r.args,
		milliseconds(rules.Life), rules.Renew, rules.Known, 0, s.markerEmpty())
	return r
}

const (
	listedArg = 3 // the place of the number of arguments that are staged
	rulesArgs = 5 // how many arguments of a write stand in front of its commands
)

// Whole says that a command must not be cut into parts.
const Whole = 0

// Command adds a command to a write. Where it has many arguments it is cut into parts:
// head of its arguments are repeated in front of each, and group of them belong
// together.
func (r *Request) Command(name string, head, group int) *Request {
	r.args = append(r.args, name, 0, head, group)
	r.open = len(r.args) - 3
	return r
}

// Arg adds an argument: a string, bytes or a number.
func (r *Request) Arg(arg any) *Request {
	switch arg := arg.(type) {
	case string:
		r.long = max(r.long, len(arg))
	case []byte:
		r.long = max(r.long, len(arg))
	}
	r.args = append(r.args, arg)
	if r.write {
		r.args[r.open] = len(r.args) - r.open - 3
	}
	return r
}

// Buffer returns the slice to append the bytes of the next argument to, for Take.
func (r *Request) Buffer() []byte { return r.buf }

// maxPart is what Redis takes as one argument, in bytes.
const maxPart = 512 << 20

// Take adds an argument of the bytes that were appended to Buffer. After an error the
// request is of no use.
func (r *Request) Take(b []byte) error {
	from := len(r.buf)
	if len(b)-from > maxPart {
		return fmt.Errorf("%w: a part of %d bytes is longer than the 512 MB that it takes", client.ErrTooLarge, len(b)-from)
	}
	r.buf = b
	r.Arg(b[from:len(b):len(b)])
	return nil
}

// Size returns how many bytes the arguments have that were added by Take.
func (r *Request) Size() int { return len(r.buf) }

// Name returns the name of the command, of the first of a write.
func (r *Request) Name() string {
	i := 0
	if r.write {
		i = rulesArgs
	}
	return r.args[i].(string)
}

// Begun reports whether a write has a command.
func (r *Request) Begun() bool { return len(r.args) > rulesArgs }
