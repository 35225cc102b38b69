package resp

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
)

// ErrBroken is the error of an answer that is not what the command returns.
var ErrBroken = errors.New("redis sent an answer that is not what the command returns")

// An AnswerError is an error that Redis has answered with, or that stands within an answer.
type AnswerError string

func (e AnswerError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (AnswerError) RedisError() {}

// A Reply collects the bytes of one answer of Redis as they come, from go-redis's
// redis.RawWriteToCmd, which walks over an answer of any kind and hands over each line, each
// end of a line and each bulk string by itself.
//
// It grows by what arrives, whatever length the answer claims, and ends an answer by an error
// that is too long or too deep, or of a kind that no command returns: go-redis then closes the
// connection. An answer that is an error is returned to go-redis as one, an [AnswerError],
// which acts on it as on the error of any other command; the connection stays in use. The
// zero value is ready for use.
type Reply struct {
	buf   []byte
	limit int             // the most bytes that are accepted; 0: any number
	open  [maxNesting]int // how many elements of each open array are still to come
	depth int             // how many arrays are open
	stale bool            // the next line begins another answer
	text  bool            // see AcceptText
	large bool            // buf is of newBuffer
}

// maxNesting is how deep arrays may stand in an answer. Redis has three levels at the most.
const maxNesting = 4

// Use makes a reply begin with the memory of buf, rather than its own.
func (r *Reply) Use(buf []byte) { r.buf, r.large = buf[:0], false }

// Limit makes a reply accept no answer of more than n bytes.
func (r *Reply) Limit(n int) { r.limit = n }

// AcceptText makes a reply accept a verbatim string, in which the commands answer that are for
// people to read, such as INFO.
func (r *Reply) AcceptText() { r.text = true }

// Reset makes a reply ready for the next answer. The limit stays.
func (r *Reply) Reset() { r.buf, r.depth, r.stale = r.buf[:0], 0, false }

// Expect makes a reply expect another answer, in place of what it has, which stays until that
// begins.
func (r *Reply) Expect() { r.stale = true }

// Grow makes room for n bytes more.
func (r *Reply) Grow(n int) {
	if n <= cap(r.buf)-len(r.buf) {
		return
	}
	if cap(r.buf)+n < minPooled {
		r.buf = slices.Grow(r.buf, n)
		return
	}
	buf := append(newBuffer(max(len(r.buf)+n, 2*cap(r.buf))), r.buf...)
	r.release()
	r.buf, r.large = buf, true
}

// Reserve is Grow for about as much as the answer is expected to have: of some kilobytes it takes
// memory that Trim gives to the next answer.
func (r *Reply) Reserve(n int) {
	if n > minPooled/8 {
		n = max(n, minPooled)
	}
	r.Grow(n)
}

// Trim gives up memory that only an answer of more than n bytes needs: no part of the answer may
// be in use any more.
func (r *Reply) Trim(n int) {
	if cap(r.buf) > n {
		r.release()
	}
}

// release gives up the memory.
func (r *Reply) release() {
	if r.large {
		freeBuffer(r.buf)
	}
	r.buf, r.large = nil, false
}

// Len returns the size of the answer in bytes.
func (r *Reply) Len() int { return len(r.buf) }

// Write takes a line without its end, or the end of one.
func (r *Reply) Write(p []byte) (int, error) {
	if r.stale {
		r.Reset()
	}
	if !bytes.Equal(p, end) { // which no line can be
		if err := r.begin(p); err != nil {
			return 0, err
		}
	}
	r.Grow(len(p))
	r.buf = append(r.buf, p...)
	return len(p), nil
}

// end is the end of a line.
var end = []byte("\r\n")

// begin checks the line that an answer begins with, or an element of one.
func (r *Reply) begin(line []byte) error {
	if len(line) == 0 {
		return ErrBroken
	}
	if line[0] == '-' && r.depth == 0 {
		return AnswerError(line[1:min(len(line), maxError)])
	}
	for r.depth > 0 && r.open[r.depth-1] == 0 {
		r.depth--
	}
	if r.depth > 0 {
		r.open[r.depth-1]--
	}
	room := math.MaxInt
	if r.limit > 0 {
		room = r.limit - len(r.buf) - len(line) - len(end)
	}
	n, ok := 0, true
	switch line[0] {
	case '+', '-', ':', ',', '(', '_':
	case '#':
		ok = string(line) == "#t" || string(line) == "#f"
	case '$':
		n, ok = length(line)
	case '=':
		n, ok = length(line)
		ok = ok && r.text && r.depth == 0
	case '*', '~', '%':
		if n, ok = length(line); ok && n > 0 {
			if line[0] == '%' {
				n *= 2
			}
			ok = r.depth < maxNesting && n <= room/minElement
			if ok {
				r.open[r.depth] = n
				r.depth++
			}
		}
	default: // an attribute, a push, or what no server sends yet
		ok = false
	}
	if !ok || n > room || room < 0 {
		return ErrBroken
	}
	return nil
}

const (
	maxError   = 4 << 10 // bytes of an error that are kept
	minElement = 3       // bytes of the shortest element of an array, "_\r\n"
)

// length returns the number of a line such as "$5", 0 for one that stands for nothing.
func length(line []byte) (n int, ok bool) {
	digits := line[1:]
	if len(digits) == 2 && digits[0] == '-' && digits[1] == '1' {
		return 0, true
	}
	for _, d := range digits {
		if d < '0' || d > '9' || n > maxLength {
			return 0, false
		}
		n = 10*n + int(d-'0')
	}
	return n, len(digits) > 0 && n <= maxLength
}

// ReadFrom takes a bulk string with its end. It saves io.Copy, which go-redis uses for that, a
// buffer of its own, and sees that what ends the string is the end of a line: go-redis skips
// two bytes of any kind, and would go on with the answers of others.
func (r *Reply) ReadFrom(src io.Reader) (n int64, err error) {
	for {
		if len(r.buf) == cap(r.buf) {
			r.Grow(r.step(src))
		}
		m, err := src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+m]
		n += int64(m)
		switch {
		case errors.Is(err, io.EOF):
			if bulk, ok := src.(*io.LimitedReader); ok && bulk.N == 0 && !bytes.HasSuffix(r.buf, end) {
				return n - int64(len(end)), ErrBroken // io.CopyN ignores the error of what is complete
			}
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// maxStep is for how many bytes there is room before any has arrived.
const maxStep = 64 << 10

// step returns how many bytes more to make room for: all that are claimed to come, but not
// much more than maxStep or twice those that have come. A buffer may be twice as long again.
func (r *Reply) step(src io.Reader) int {
	bulk, ok := src.(*io.LimitedReader)
	if !ok {
		return 1
	}
	// There is some more room, to see the end in.
	return int(min(max(bulk.N, 0), int64(max(2*len(r.buf), maxStep)))) + len(end)
}
