package cachetest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/asidecache/aside/codec"
)

// schemaFormat is the first line of a description. Its number changes with what stands below.
const schemaFormat = "aside schema 1"

// A description is what a codec stores, as the file of Schema has it.
type description struct {
	redis string // the Redis type, as TYPE prints it
	value *codec.Schema
}

const (
	redisLine = "redis type: "
	rootPath  = "value"
)

// String returns the text of the file: a line for each place, a struct's fields by their names.
func (d description) String() string {
	p := printer{first: map[*codec.Schema]string{}}
	fmt.Fprintf(&p.text, "%s\n%s%s\n", schemaFormat, redisLine, d.redis)
	p.place(rootPath, d.value)
	return p.text.String()
}

type printer struct {
	text  strings.Builder
	first map[*codec.Schema]string // where recursive types were described
}

// place prints the line of a place, and the lines of those in it. marks follow the type.
func (p *printer) place(path string, s *codec.Schema, marks ...string) {
	encoding := ""
	for s.Type == "pointer" {
		encoding = cmp.Or(encoding, s.Codec)
		if s = s.Elem; !slices.Contains(marks, "or nil") {
			marks = slices.Insert(marks, 0, "or nil")
		}
	}
	typ, known := word(s.Type), false
	if at, ok := p.first[s]; ok {
		typ, known = "as "+at, true
	}
	if encoding = cmp.Or(encoding, s.Codec); encoding != "" && !known {
		typ += " (" + word(encoding) + ")"
	}
	fmt.Fprintf(&p.text, "%s: %s\n", path, strings.Join(slices.Insert(marks, 0, typ), ", "))
	if known {
		return
	}
	if contains(s, s, map[*codec.Schema]bool{}) {
		p.first[s] = path
	}
	if s.Key != nil {
		p.place(path+"[key]", s.Key)
	}
	if s.Elem != nil {
		p.place(path+"[]", s.Elem)
	}
	p.fields(path, s)
}

func (p *printer) fields(path string, s *codec.Schema) {
	type field struct {
		codec.SchemaField
		place int
	}
	var fields []field
	for i, f := range s.Fields {
		fields = append(fields, field{f, i + 1})
	}
	slices.SortFunc(fields, func(a, b field) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range fields {
		var marks []string
		if f.Optional {
			marks = append(marks, "optional")
		}
		if f.Alias != "" {
			marks = append(marks, "alias "+fieldName(f.Alias))
		}
		if s.Type == "tuple" {
			marks = append(marks, fmt.Sprintf("place %d", f.place))
		}
		p.place(path+"."+fieldName(f.Name), f.Schema, marks...)
	}
}

// contains reports whether there is an of within s, at a depth of one or more.
func contains(s, of *codec.Schema, seen map[*codec.Schema]bool) bool {
	for _, in := range parts(s) {
		if in == of {
			return true
		}
		if !seen[in] {
			seen[in] = true
			if contains(in, of, seen) {
				return true
			}
		}
	}
	return false
}

func parts(s *codec.Schema) (in []*codec.Schema) {
	for _, part := range []*codec.Schema{s.Key, s.Elem} {
		if part != nil {
			in = append(in, part)
		}
	}
	for _, f := range s.Fields {
		in = append(in, f.Schema)
	}
	return in
}

// word returns a type or a codec, in quotes where the line could not be read otherwise.
func word(s string) string {
	if s == "" || strings.HasPrefix(s, "as ") || strings.Contains(s, ", ") || strings.Contains(s, " (") ||
		strings.Contains(s, ")") || strconv.Quote(s) != `"`+s+`"` {
		return strconv.Quote(s)
	}
	return s
}

// fieldName returns the name of a field, in quotes unless it is like that of a Go variable.
func fieldName(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return strconv.Quote(s)
	}
	return s
}
