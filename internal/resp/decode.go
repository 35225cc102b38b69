package resp

import "strconv"

// Int returns the number that is the answer.
func (r *Reply) Int() (int64, error) {
	p := parser{r.buf}
	part, err := p.part(1)
	if err != nil || part.kind != ':' || len(p.rest) > 0 {
		return 0, ErrBroken
	}
	n, err := strconv.ParseInt(string(part.text), 10, 64)
	return n, orBroken(err)
}

// Text returns the string that is the answer, a slice of it. It reports false when there is
// none.
func (r *Reply) Text() (text []byte, found bool, err error) {
	if r.text && len(r.buf) > 0 && r.buf[0] == '=' {
		text, err = r.verbatim()
		return text, err == nil, err
	}
	p := parser{r.buf}
	part, err := p.part(1)
	if err == nil && (len(p.rest) > 0 || part.kind != '$' && part.kind != '+' && part.kind != '_') {
		err = ErrBroken
	}
	if err != nil {
		return nil, false, err
	}
	return part.text, part.kind != '_', nil
}

// verbatim is Text of a verbatim string, without the three letters that say what it is, and a
// colon.
func (r *Reply) verbatim() (text []byte, err error) {
	const format = len("txt:")
	p := parser{r.buf}
	_, n, err := p.header()
	if err == nil {
		text, err = p.bulk(n)
	}
	if err != nil || n < format || text[format-1] != ':' || len(p.rest) > 0 {
		return nil, ErrBroken
	}
	return text[format:], nil
}

// Decode returns the answer as go-redis decodes it: a string, an int64, a float64, a bool, nil,
// or an array of these, which a map is as well. An element that is an error is an
// [AnswerError].
func (r *Reply) Decode() (any, error) {
	p := parser{r.buf}
	v, err := p.decode(maxNesting + 1)
	if err == nil && len(p.rest) > 0 {
		err = ErrBroken
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Elements returns the n elements of the answer, each as an answer of its own that is a slice
// of this one.
func (r *Reply) Elements(n int) ([]Reply, error) {
	p := parser{r.buf}
	kind, count, err := p.header()
	if err != nil || kind != '*' || count != n {
		return nil, ErrBroken
	}
	elements := make([]Reply, 0, min(n, len(p.rest)/minElement))
	for range n {
		from := p.rest
		if err := p.skip(maxNesting); err != nil {
			return nil, err
		}
		size := len(from) - len(p.rest)
		elements = append(elements, Reply{buf: from[:size:size]})
	}
	if len(p.rest) > 0 {
		return nil, ErrBroken
	}
	return elements, nil
}

// Err returns the error that an element of an answer is, nil if it is none.
func (r *Reply) Err() error {
	p := parser{r.buf}
	if part, err := p.part(1); err == nil && part.kind == '-' {
		return AnswerError(part.text)
	}
	return nil
}

// decode reads an answer, or a part of one.
func (p *parser) decode(nesting int) (any, error) {
	part, err := p.part(nesting)
	if err != nil {
		return nil, err
	}
	text := string(part.text)
	switch part.kind {
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
	case '*':
		parts := make([]any, part.elements)
		for i := range parts {
			if parts[i], err = p.decode(nesting - 1); err != nil {
				return nil, err
			}
		}
		return parts, nil
	}
	return text, nil
}

// skip passes over an answer, or a part of one.
func (p *parser) skip(nesting int) error {
	part, err := p.part(nesting)
	for range part.elements {
		if err := p.skip(nesting - 1); err != nil {
			return err
		}
	}
	return err
}

// orBroken is ErrBroken in place of an error of another package.
func orBroken(err error) error {
	if err != nil {
		return ErrBroken
	}
	return nil
}
