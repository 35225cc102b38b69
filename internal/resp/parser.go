package resp

import (
	"bytes"
	"math"
	"strconv"
)

// A parser walks over an answer that go-redis has framed.
type parser struct{ rest []byte }

// header reads a line such as "$5": the kind of the answer and its number.
func (p *parser) header() (kind byte, n int, err error) {
	b := p.rest
	if len(b) < 3 {
		return 0, 0, ErrBroken
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
		return 0, 0, ErrBroken
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
		return nil, ErrBroken
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
		return nil, ErrBroken
	}
	return p.bulk(n)
}

// A part is an element of an answer, or a whole one that is no array.
type part struct {
	kind     byte   // as in the answer; '*' for all arrays, '_' for all that stands for nothing
	text     []byte // unless it is an array or nothing
	elements int    // how many follow, which are there
}

// part reads a part in front of its elements, which may be nested so deep.
func (p *parser) part(nesting int) (part, error) {
	line, rest, ok := bytes.Cut(p.rest, end)
	if !ok || len(line) == 0 || nesting == 0 {
		return part{}, ErrBroken
	}
	p.rest = rest
	kind, text := line[0], line[1:len(line):len(line)]
	switch kind {
	case '+', '-', ':', ',', '(', '#':
		return part{kind: kind, text: text}, nil
	case '_':
		return part{kind: '_'}, nil
	}
	n, err := strconv.Atoi(string(text))
	switch {
	case err != nil, n > len(p.rest):
		return part{}, ErrBroken
	case n < 0:
		return part{kind: '_'}, nil
	case kind == '$':
		text, err = p.bulk(n)
		return part{kind: '$', text: text}, err
	case kind == '%':
		n *= 2
	case kind != '*' && kind != '~':
		return part{}, ErrBroken
	}
	if n > len(p.rest)/minElement {
		return part{}, ErrBroken
	}
	return part{kind: '*', elements: n}, nil
}
