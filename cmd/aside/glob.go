package main

import "strings"

// A glob is a pattern as KEYS and SCAN have it: * for any bytes, ? for one, [a-c] and [^a] for one
// of those and one of the others, \ in front of a byte that stands for itself.
type glob string

// prefix returns the bytes that everything which matches begins with.
func (g glob) prefix() string {
	var b strings.Builder
	for i := 0; i < len(g); i++ {
		switch g[i] {
		case '*', '?', '[':
			return b.String()
		case '\\':
			if i+1 < len(g) {
				i++
			}
		}
		b.WriteByte(g[i])
	}
	return b.String()
}

// matches reports whether a key matches, in time of at most the product of both lengths.
func (g glob) matches(key string) bool {
	p, k := 0, 0
	star, mark := -1, 0 // where the last * is, and what of the key it stands for ends
	for k < len(key) {
		if p < len(g) && g[p] == '*' {
			star, mark = p, k
			p++
			continue
		}
		if p < len(g) {
			if next, ok := g.one(p, key[k]); ok {
				p, k = next, k+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, k = star+1, mark
	}
	for p < len(g) && g[p] == '*' {
		p++
	}
	return p == len(g)
}

// one reports whether what stands at p, which is no *, matches a byte, and where the next begins.
func (g glob) one(p int, b byte) (next int, ok bool) {
	switch g[p] {
	case '?':
		return p + 1, true
	case '\\':
		if p+1 < len(g) {
			p++
		}
	case '[':
		return g.class(p+1, b)
	}
	return p + 1, g[p] == b
}

// class is one for what stands behind a [.
func (g glob) class(p int, b byte) (next int, ok bool) {
	not := p < len(g) && g[p] == '^'
	if not {
		p++
	}
	for ; p < len(g) && g[p] != ']'; p++ {
		switch {
		case g[p] == '\\' && p+1 < len(g):
			p++
			ok = ok || g[p] == b
		case p+2 < len(g) && g[p+1] == '-':
			from, to := min(g[p], g[p+2]), max(g[p], g[p+2])
			ok = ok || from <= b && b <= to
			p += 2
		default:
			ok = ok || g[p] == b
		}
	}
	return min(p+1, len(g)), ok != not
}

// literal returns a glob that a text alone matches.
func literal(text string) glob {
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(`*?[]\`, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return glob(b.String())
}
