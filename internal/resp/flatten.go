package resp

import (
	"bytes"
	"strconv"
)

// Flatten appends the parts of the answer without its structure. They are slices of the
// answer; numbers are text, and nil stands for nothing.
func (r *Reply) Flatten(parts [][]byte) ([][]byte, error) {
	p := parser{r.buf}
	parts, err := p.flatten(parts, maxNesting)
	if err == nil && len(p.rest) > 0 {
		err = ErrBroken
	}
	return parts, err
}

func (p *parser) flatten(parts [][]byte, nesting int) ([][]byte, error) {
	line, rest, ok := bytes.Cut(p.rest, []byte("\r\n"))
	if !ok || len(line) == 0 || nesting == 0 {
		return parts, ErrBroken
	}
	p.rest = rest
	kind, text := line[0], line[1:]
	switch kind {
	case ':', ',', '+', '(':
		return append(parts, text[:len(text):len(text)]), nil
	case '#':
		return append(parts, truth(string(text) == "t")), nil
	case '_':
		return append(parts, nil), nil
	}
	n, err := strconv.Atoi(string(text))
	switch {
	case err != nil:
		return parts, ErrBroken
	case n < 0:
		return append(parts, nil), nil
	case kind == '$':
		b, err := p.bulk(n)
		return append(parts, b), err
	case n > len(p.rest): // each part takes more than a byte
		return parts, ErrBroken
	case kind == '%':
		n *= 2
	case kind != '*' && kind != '~':
		return parts, ErrBroken
	}
	for range n {
		if parts, err = p.flatten(parts, nesting-1); err != nil {
			return parts, err
		}
	}
	return parts, nil
}

func truth(is bool) []byte {
	if is {
		return []byte("1")
	}
	return []byte("0")
}

// FlattenDecoded is Flatten for an answer that go-redis has decoded.
func FlattenDecoded(parts [][]byte, v any) ([][]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(parts, nil), nil
	case string:
		return append(parts, []byte(v)), nil
	case int64:
		return append(parts, strconv.AppendInt(nil, v, 10)), nil
	case float64:
		return append(parts, strconv.AppendFloat(nil, v, 'g', -1, 64)), nil
	case bool:
		return append(parts, truth(v)), nil
	case []any:
		for _, each := range v {
			if parts, err = FlattenDecoded(parts, each); err != nil {
				return parts, err
			}
		}
		return parts, nil
	case map[any]any:
		for name, each := range v {
			if parts, err = FlattenDecoded(parts, name); err == nil {
				parts, err = FlattenDecoded(parts, each)
			}
			if err != nil {
				return parts, err
			}
		}
		return parts, nil
	}
	return parts, ErrBroken
}
