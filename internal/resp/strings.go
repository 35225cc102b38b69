package resp

import "github.com/asidecache/aside/codec"

// ParseFields is ParseValue for the answer to HMGET: it adds the fields that are there, under
// their names.
func (r *Reply) ParseFields(w *codec.Wire, names [][]byte) (found bool, err error) {
	p := parser{r.buf}
	if kind, n, err := p.header(); err != nil || kind != '*' || n != len(names) {
		return false, ErrBroken
	}
	for _, name := range names {
		kind, n, err := p.header()
		switch {
		case err != nil, kind != '$' && kind != '_':
			return false, ErrBroken
		case kind == '_' || n < 0: // no such field
			continue
		}
		value, err := p.bulk(n)
		if err != nil {
			return false, err
		}
		w.Add(name, value)
	}
	if len(p.rest) > 0 {
		return false, ErrBroken
	}
	return w.Len() > 0, nil
}

// Strings returns the n strings of the answer, nil for one that is not there. They are slices
// of the answer.
func (r *Reply) Strings(n int) ([][]byte, error) {
	p := parser{r.buf}
	kind, count, err := p.header()
	if err != nil || kind != '*' || count != n {
		return nil, ErrBroken
	}
	values := make([][]byte, n)
	for i := range values {
		kind, size, err := p.header()
		switch {
		case err != nil:
			return nil, err
		case size < 0 && (kind == '$' || kind == '_'):
			continue
		case kind != '$':
			return nil, ErrBroken
		}
		if values[i], err = p.bulk(size); err != nil {
			return nil, err
		}
	}
	if len(p.rest) > 0 {
		return nil, ErrBroken
	}
	return values, nil
}
