package resp

// Flatten appends the parts of the answer without its structure. They are slices of the
// answer; numbers are text, and nil stands for nothing.
func (r *Reply) Flatten(parts [][]byte) ([][]byte, error) {
	p := parser{r.buf}
	parts, err := p.flatten(parts, maxNesting+1)
	if err == nil && len(p.rest) > 0 {
		err = ErrBroken
	}
	return parts, err
}

func (p *parser) flatten(parts [][]byte, nesting int) ([][]byte, error) {
	part, err := p.part(nesting)
	if err != nil {
		return parts, err
	}
	switch part.kind {
	case '-':
		return parts, ErrBroken
	case '#':
		part.text = truth(string(part.text) == "t")
	case '*':
		for range part.elements {
			if parts, err = p.flatten(parts, nesting-1); err != nil {
				return parts, err
			}
		}
		return parts, nil
	}
	return append(parts, part.text), nil
}

func truth(is bool) []byte {
	if is {
		return []byte("1")
	}
	return []byte("0")
}
