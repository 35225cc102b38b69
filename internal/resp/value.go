package resp

import (
	"bytes"

	"github.com/asidecache/aside/codec"
)

// ParseValue adds the parts of the value that is the answer to w, for a value of a shape. They
// are slices of the answer. It reports false when there is no value. After an error w may hold
// some of the parts.
func (r *Reply) ParseValue(w *codec.Wire, shape codec.Shape) (found bool, err error) {
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
	case kind == '*' && shape == codec.ShapeList,
		(kind == '*' || kind == '~') && shape == codec.ShapeSet:
		found, err = n > 0, p.elements(w, n)
	case kind == '*' && shape == codec.ShapeSortedSet:
		found, err = n > 0, p.scored(w, n)
	default:
		err = ErrBroken
	}
	if err == nil && len(p.rest) > 0 {
		err = ErrBroken
	}
	return found && err == nil, err
}

// fields adds the n fields of a hash to w.
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

// elements adds the n elements of a list or a set to w.
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

// scored adds the elements of a sorted set to w, from an array of n: of elements and scores
// in turn (RESP2), or of pairs of them (RESP3).
func (p *parser) scored(w *codec.Wire, n int) error {
	paired := len(p.rest) > 0 && p.rest[0] == '*'
	if !paired {
		if n%2 != 0 {
			return ErrBroken
		}
		n /= 2
	}
	for range n {
		if paired {
			if kind, two, err := p.header(); err != nil || kind != '*' || two != 2 {
				return ErrBroken
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
		return nil, ErrBroken
	}
	p.rest = rest
	return text[:len(text):len(text)], nil
}
