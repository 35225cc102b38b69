package tracking

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

const (
	bufferSize = 16 << 10 // a key that is longer is not told apart from others
	maxReply   = 8 << 20  // bytes of an answer
	maxParts   = 1 << 16  // of an answer
	maxNesting = 8
)

// A reader reads what Redis sends on one connection, and trusts none of it: a message costs
// the memory of what has arrived of it, and no more than maxReply.
type reader struct {
	*bufio.Reader
	left  int // bytes that the answer may have still
	parts int // that it may have still
}

func newReader(src io.Reader) *reader { return &reader{Reader: bufio.NewReaderSize(src, bufferSize)} }

// line reads a line such as "$5" without its end. It is borrowed.
func (r *reader) line() ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, orBroken(err)
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return nil, errBroken
	}
	return line[:len(line)-2], nil
}

// orBroken is errBroken for a line that is too long.
func orBroken(err error) error {
	if errors.Is(err, bufio.ErrBufferFull) {
		return errBroken
	}
	return err
}

// number returns the number of a line, -1 for none.
func number(line []byte) (int, error) {
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil || n < -1 {
		return 0, errBroken
	}
	return n, nil
}

// next reads an answer, or a push, for whose keys it calls key, and all if it is of all keys. An
// answer is a string, an int64, a bool, nil, an answerError, or an array of these, which a map is
// as well.
func (r *reader) next(key func([]byte), all func()) (reply any, isPush bool, err error) {
	r.left, r.parts = maxReply, maxParts
	line, err := r.line()
	if err != nil {
		return nil, false, err
	}
	if line[0] == '>' {
		return nil, true, r.push(line, key, all)
	}
	reply, err = r.value(line, maxNesting)
	return reply, false, err
}

// value reads the answer, or the part of one, that begins with a line.
func (r *reader) value(line []byte, nesting int) (any, error) {
	r.left -= len(line)
	r.parts--
	if r.left < 0 || r.parts < 0 || nesting == 0 {
		return nil, errBroken
	}
	switch line[0] {
	case '-':
		return answerError(line[1:]), nil
	case '+', ',', '(':
		return string(line[1:]), nil
	case '#':
		return string(line) == "#t", nil
	case '_':
		return nil, nil
	case ':':
		n, err := strconv.ParseInt(string(line[1:]), 10, 64)
		if err != nil {
			return nil, errBroken
		}
		return n, nil
	}
	n, err := number(line)
	if err != nil || n < 0 {
		return nil, err
	}
	switch kind := line[0]; kind {
	case '$', '!', '=':
		text, err := r.bulk(n)
		switch {
		case kind == '!':
			return answerError(text), err
		case kind == '=' && len(text) >= 4: // "txt:"
			text = text[4:]
		}
		return text, err
	case '*', '~', '%':
		if kind == '%' {
			n *= 2
		}
		return r.array(n, nesting-1)
	}
	return nil, errBroken
}

func (r *reader) array(n, nesting int) (any, error) {
	var parts []any
	for range n {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		part, err := r.value(line, nesting)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// bulk reads a string of n bytes and its end.
func (r *reader) bulk(n int) (string, error) {
	if r.left -= n; r.left < 0 {
		return "", errBroken
	}
	var b bytes.Buffer // which grows by what arrives
	if _, err := io.CopyN(&b, r.Reader, int64(n)); err != nil {
		return "", err
	}
	return b.String(), r.end()
}

// end reads the end of a line.
func (r *reader) end() error {
	b, err := r.Peek(2)
	if err != nil {
		return err
	}
	if string(b) != "\r\n" {
		return errBroken
	}
	_, err = r.Discard(2)
	return err
}

// push reads the rest of a push, which is skipped unless it is an invalidation.
func (r *reader) push(line []byte, key func([]byte), all func()) error {
	n, err := number(line)
	if err != nil || n < 1 {
		return errBroken
	}
	if line, err = r.line(); err != nil {
		return err
	}
	kind, err := r.value(line, maxNesting)
	if err != nil {
		return err
	}
	if kind != "invalidate" || n != 2 {
		_, err := r.array(n-1, maxNesting)
		return err
	}
	if line, err = r.line(); err != nil {
		return err
	}
	if string(line) == "_" {
		all()
		return nil
	}
	if n, err = number(line); err != nil || line[0] != '*' {
		return errBroken
	}
	if n < 0 {
		all()
	}
	for range n {
		if err := r.key(key, all); err != nil {
			return err
		}
	}
	return nil
}

// key reads a key. One that does not fit into the buffer may be any.
func (r *reader) key(key func([]byte), all func()) error {
	line, err := r.line()
	if err != nil {
		return err
	}
	n, err := number(line)
	if err != nil || n < 0 || line[0] != '$' {
		return errBroken
	}
	if n > bufferSize {
		all()
		if _, err := io.CopyN(io.Discard, r.Reader, int64(n)); err != nil {
			return err
		}
		return r.end()
	}
	b, err := r.Peek(n)
	if err != nil {
		return err
	}
	key(b)
	if _, err := r.Discard(n); err != nil {
		return err
	}
	return r.end()
}

// appendCommand appends a command to dst as Redis reads it.
func appendCommand(dst []byte, args ...string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	for _, arg := range args {
		dst = append(dst, "\r\n$"...)
		dst = strconv.AppendInt(dst, int64(len(arg)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, arg...)
	}
	return append(dst, "\r\n"...)
}
