package resp

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// ErrBroken is the error of an answer that is not what the command returns.
var ErrBroken = errors.New("redis sent an answer that is not what the command returns")

// An AnswerError is an error that Redis has answered with, or that stands within an answer.
type AnswerError string

func (e AnswerError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (AnswerError) RedisError() {}

// A Reply holds the bytes of one answer of Redis as they came. It grows by what arrives,
// whatever length the answer claims. The zero value is ready for use.
type Reply struct {
	buf []byte
}

// Reset makes a reply ready for the next answer.
func (r *Reply) Reset() { r.buf = r.buf[:0] }

// Grow makes room for an answer of n bytes.
func (r *Reply) Grow(n int) { r.buf = slices.Grow(r.buf, n) }

// Trim gives up memory that only an answer of more than n bytes needs.
func (r *Reply) Trim(n int) {
	if cap(r.buf) > n {
		r.buf = nil
	}
}

// Len returns the size of the answer in bytes.
func (r *Reply) Len() int { return len(r.buf) }

// Write is how go-redis hands over a part of the answer.
func (r *Reply) Write(p []byte) (int, error) {
	r.buf = append(r.buf, p...)
	return len(p), nil
}

// ReadFrom saves io.Copy, which go-redis uses for bulk strings, a buffer of its own.
func (r *Reply) ReadFrom(src io.Reader) (n int64, err error) {
	for {
		if len(r.buf) == cap(r.buf) {
			r.buf = slices.Grow(r.buf, r.step(src))
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

// maxStep is for how many bytes there is room before any has arrived.
const maxStep = 64 << 10

// step returns how many bytes more to make room for: all that are claimed to come, but not
// much more than maxStep or three times those that have come.
func (r *Reply) step(src io.Reader) int {
	bulk, ok := src.(*io.LimitedReader)
	if !ok {
		return 1
	}
	end := 2 // so that there is room to read the end in
	return int(min(max(bulk.N, 0), int64(max(3*len(r.buf), maxStep)))) + end
}

// IsError reports whether the answer is an error.
func (r *Reply) IsError() bool { return len(r.buf) > 0 && r.buf[0] == '-' }

// Err returns the error that is the answer, nil if it is none.
func (r *Reply) Err() error {
	if !r.IsError() {
		return nil
	}
	return AnswerError(bytes.TrimRight(r.buf[1:], "\r\n"))
}
