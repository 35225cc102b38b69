package cachetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/asidecache/aside/codec"
)

// parseDescription reads what String of a description returns.
func parseDescription(text string) (d description, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != schemaFormat {
		return d, fmt.Errorf("its first line is not %q", schemaFormat)
	}
	p := parser{at: map[string]*codec.Schema{}}
	for i, line := range lines[1:] {
		redis, ok := strings.CutPrefix(line, redisLine)
		switch {
		case ok && i == 0:
			d.redis = redis
		case i == 0 || !p.line(line):
			return d, fmt.Errorf("its line %d is none of a description: %s", i+2, line)
		}
	}
	d.value = p.value
	if d.value == nil || p.gaps() {
		return d, errors.New("lines are missing")
	}
	return d, nil
}

// A parser keeps what it has read, by the paths.
type parser struct {
	value *codec.Schema
	at    map[string]*codec.Schema // behind pointers
}

// line reads the line of one place, and reports whether it is one.
func (p *parser) line(line string) bool {
	path, rest := cut(line, ": ")
	head, marks := cut(strings.TrimPrefix(rest, ": "), ", ")
	typ, encoding := cut(head, " (")
	s := &codec.Schema{Type: plain(typ), Codec: plain(strings.TrimSuffix(strings.TrimPrefix(encoding, " ("), ")"))}
	if of, ok := strings.CutPrefix(typ, "as "); ok {
		s = p.at[of]
	}
	if s == nil || s.Type == "" || p.at[path] != nil {
		return false
	}
	p.at[path] = s
	place, f := 0, codec.SchemaField{}
	for marks != "" {
		var mark string
		mark, marks = cut(strings.TrimPrefix(marks, ", "), ", ")
		kind, value, _ := strings.Cut(mark, " ")
		switch kind {
		case "or":
			s = &codec.Schema{Type: "pointer", Elem: s}
		case "optional":
			f.Optional = true
		case "alias":
			f.Alias = plain(value)
		case "place":
			if place, _ = strconv.Atoi(value); place < 1 || place > len(p.at)+maxTuple {
				return false
			}
		default:
			return false
		}
	}
	f.Schema = s
	return p.put(path, f, place)
}

// maxTuple is more fields than any tuple has: a number in a file is not to cost memory.
const maxTuple = 1 << 16

// put hangs what stands at a path into what stands around it.
func (p *parser) put(path string, f codec.SchemaField, place int) bool {
	if path == rootPath {
		p.value = f.Schema
		return len(p.at) == 1
	}
	if outer, ok := strings.CutSuffix(path, "[key]"); ok {
		return p.inner(outer, func(s *codec.Schema) { s.Key = f.Schema })
	}
	if outer, ok := strings.CutSuffix(path, "[]"); ok {
		return p.inner(outer, func(s *codec.Schema) { s.Elem = f.Schema })
	}
	end := lastDot(path)
	if end < 0 {
		return false
	}
	f.Name = plain(path[end+1:])
	return p.inner(path[:end], func(s *codec.Schema) {
		if place == 0 {
			s.Fields = append(s.Fields, f)
			return
		}
		s.Fields = append(s.Fields, make([]codec.SchemaField, max(0, place-len(s.Fields)))...)
		s.Fields[place-1] = f
	})
}

// inner calls set with what stands at a path.
func (p *parser) inner(path string, set func(*codec.Schema)) bool {
	s := p.at[path]
	if s != nil {
		set(s)
	}
	return s != nil
}

// gaps reports whether the lines of some fields of a tuple are missing.
func (p *parser) gaps() bool {
	for _, s := range p.at {
		if slices.ContainsFunc(s.Fields, func(f codec.SchemaField) bool { return f.Schema == nil }) {
			return true
		}
	}
	return false
}

// cut splits s before the first end that is not in quotes.
func cut(s, end string) (head, tail string) {
	for at := 0; at < len(s); {
		if strings.HasPrefix(s[at:], end) {
			return s[:at], s[at:]
		}
		quoted, err := strconv.QuotedPrefix(s[at:])
		if s[at] != '"' || err != nil {
			quoted = s[at : at+1]
		}
		at += len(quoted)
	}
	return s, ""
}

// lastDot returns the index of the last dot that is not in quotes, -1 for none.
func lastDot(s string) int {
	for at := -1; ; {
		head, tail := cut(s[at+1:], ".")
		if tail == "" {
			return at
		}
		at += 1 + len(head)
	}
}

// plain returns a word without its quotes, if it has some.
func plain(s string) string {
	if unquoted, err := strconv.Unquote(s); err == nil && strings.HasPrefix(s, `"`) {
		return unquoted
	}
	return s
}
