package store

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/asidecache/aside/codec"
)

// A reply holds the bytes of one answer of Redis as they came. It grows by what
// arrives, whatever length the answer claims.
type reply struct {
	buf []byte
}

func (r *reply) reset() { r.buf = r.buf[:0] }

func (r *reply) Write(p []byte) (int, error) {
	r.buf = append(r.buf, p...)
	return len(p), nil
}

// ReadFrom saves io.Copy, which go-redis uses for bulk strings, a buffer of its
// own.
func (r *reply) ReadFrom(src io.Reader) (n int64, err error) {
	for {
		if len(r.buf) == cap(r.buf) {
			r.buf = slices.Grow(r.buf, r.room(src))
		}
		m, err := src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+m]
		n += int64(m)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// room returns how many bytes more to make room for: all that are claimed to come, but not
// much more than 64 KB or three times those that have come.
func (r *reply) room(src io.Reader) int {
	bulk, ok := src.(*io.LimitedReader)
	if !ok {
		return 1
	}
	return int(min(max(bulk.N, 0), int64(max(3*len(r.buf), maxKept)))) + 2 // so that there is room to read the end in
}

// isError reports whether Redis answered with an error.
func (r *reply) isError() bool { return len(r.buf) > 0 && r.buf[0] == '-' }

func (r *reply) isWrongType() bool { return bytes.HasPrefix(r.buf, []byte("-WRONGTYPE")) }

var errReply = errors.New("redis sent an answer that is not what the command returns")

// lend gives w the spans of the answer, in RESP2 or RESP3, without a copy. It
// reports false when there is no value. After an error w may hold some of them.
func (r *reply) lend(w *codec.Wire, shape codec.Shape) (found bool, err error) {
	p := parser{r.buf}
	kind, n, err := p.header()
	if err != nil {
		return false, err
	}
	switch {
	case kind == '_' || n < 0:
	case kind == '$' && shape == codec.ShapeString:
		b, err := p.bulk(n)
		if err != nil {
			return false, err
		}
		w.Add(nil, b)
		found = true
	case kind == '%' && shape == codec.ShapeHash:
		found, err = n > 0, p.fields(w, n)
	case kind == '*' && shape == codec.ShapeHash && n%2 == 0:
		found, err = n > 0, p.fields(w, n/2)
	case kind == '*' && shape == codec.ShapeList, (kind == '*' || kind == '~') && shape == codec.ShapeSet:
		found, err = n > 0, p.elements(w, n)
	case kind == '*' && shape == codec.ShapeSortedSet:
		found, err = n > 0, p.scored(w, n)
	default:
		err = errReply
	}
	if err == nil && len(p.rest) > 0 {
		err = errReply
	}
	return found && err == nil, err
}

// An answerError is one that stands within an answer of Redis.
type answerError string

func (e answerError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (answerError) RedisError() {}

// A parser walks over an answer that go-redis has framed.
type parser struct{ rest []byte }

// header reads a line such as "$5": the kind of the answer and its number.
func (p *parser) header() (kind byte, n int, err error) {
	b := p.rest
	if len(b) < 3 {
		return 0, 0, errReply
	}
	i, negative := 1, b[1] == '-'
	if negative {
		i++
	}
	digits := i
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9' && n <= maxLength; i++ {
		n = 10*n + int(b[i]-'0')
	}
	if i+1 >= len(b) || b[i] != '\r' || b[i+1] != '\n' || i == digits && b[0] != '_' {
		return 0, 0, errReply
	}
	p.rest = b[i+2:]
	if negative || b[0] == '_' {
		n = -1
	}
	return b[0], n, nil
}

// maxLength is beyond what any answer can hold, and a tenth of what an int can.
const maxLength = math.MaxInt/10 - 1

// bulk reads the n bytes of a bulk string and its end of line.
func (p *parser) bulk(n int) ([]byte, error) {
	if n < 0 || n > len(p.rest)-2 || p.rest[n] != '\r' || p.rest[n+1] != '\n' {
		return nil, errReply
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n+2:]
	return b, nil
}

// next reads a whole bulk string.
func (p *parser) next() ([]byte, error) {
	kind, n, err := p.header()
	if err != nil {
		return nil, err
	}
	if kind != '$' {
		return nil, errReply
	}
	return p.bulk(n)
}

// fields gives w the n fields of a hash.
func (p *parser) fields(w *codec.Wire, n int) error {
	for range n {
		name, err := p.next()
		if err != nil {
			return err
		}
		value, err := p.next()
		if err != nil {
			return err
		}
		w.Add(name, value)
	}
	return nil
}

// elements gives w the n elements of a list or a set.
func (p *parser) elements(w *codec.Wire, n int) error {
	for range n {
		b, err := p.next()
		if err != nil {
			return err
		}
		w.Add(nil, b)
	}
	return nil
}

// scored gives w the elements of a sorted set out of an array of n: of elements and
// scores in turn (RESP2), or of pairs of them (RESP3).
func (p *parser) scored(w *codec.Wire, n int) error {
	paired := len(p.rest) > 0 && p.rest[0] == '*'
	if !paired {
		if n%2 != 0 {
			return errReply
		}
		n /= 2
	}
	for range n {
		if paired {
			if kind, two, err := p.header(); err != nil || kind != '*' || two != 2 {
				return errReply
			}
		}
		elem, err := p.next()
		if err != nil {
			return err
		}
		score, err := p.score()
		if err != nil {
			return err
		}
		w.Add(score, elem)
	}
	return nil
}

// score reads a score as text, from a bulk string or a double.
func (p *parser) score() ([]byte, error) {
	if len(p.rest) == 0 || p.rest[0] != ',' {
		return p.next()
	}
	text, rest, ok := bytes.Cut(p.rest[1:], []byte("\r\n"))
	if !ok || len(text) == 0 {
		return nil, errReply
	}
	p.rest = rest
	return text[:len(text):len(text)], nil
}
