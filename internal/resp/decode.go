package resp

import (
	"bytes"
	"strconv"
)

// maxNesting is how deep arrays may stand in an answer. Redis has three levels at the most.
const maxNesting = 4

// Array returns the n elements of the answer, decoded as go-redis decodes them. An element
// that is an error is an [AnswerError].
func (r *Reply) Array(n int) ([]any, error) {
	p := parser{r.buf}
	kind, count, err := p.header()
	if err != nil || kind != '*' || count != n {
		return nil, ErrBroken
	}
	elements := make([]any, 0, min(n, len(p.rest)))
	for range n {
		v, err := p.decode(maxNesting)
		if err != nil {
			return nil, err
		}
		elements = append(elements, v)
	}
	if len(p.rest) > 0 {
		return nil, ErrBroken
	}
	return elements, nil
}

// decode reads an answer, or a part of one, as go-redis decodes it.
func (p *parser) decode(nesting int) (any, error) {
	line, rest, ok := bytes.Cut(p.rest, []byte("\r\n"))
	if !ok || len(line) == 0 || nesting == 0 {
		return nil, ErrBroken
	}
	p.rest = rest
	kind, text := line[0], string(line[1:])
	switch kind {
	case '+', '(':
		return text, nil
	case '-':
		return AnswerError(text), nil
	case '_':
		return nil, nil
	case '#':
		return text == "t", nil
	case ',':
		f, err := strconv.ParseFloat(text, 64)
		return f, orBroken(err)
	case ':':
		i, err := strconv.ParseInt(text, 10, 64)
		return i, orBroken(err)
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return nil, ErrBroken
	case n < 0:
		return nil, nil
	case kind == '$':
		b, err := p.bulk(n)
		return string(b), err
	case n > len(p.rest): // each part takes more than a byte
		return nil, ErrBroken
	case kind == '%':
		n *= 2
	case kind != '*' && kind != '~':
		return nil, ErrBroken
	}
	parts := make([]any, n)
	for i := range parts {
		if parts[i], err = p.decode(nesting - 1); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// orBroken is ErrBroken in place of an error of another package.
func orBroken(err error) error {
	if err != nil {
		return ErrBroken
	}
	return nil
}
