package hashmap

import (
	"fmt"
	"reflect"
	"strings"
)

// A tag is what the tag of a field says.
type tag struct {
	present bool // there is one, be it empty
	skip    bool // "-"
	name    string

	omitempty, inline, json, msgpack bool

	// Of a tag that UseTag names.
	foreign  bool // it has none of our options
	omitzero bool
	fallback *tag // in its place if the field has no text form
}

// tagOf reads the redis tag of a field, or, if it has none, the tag of the key use, if
// that is not empty. The error has no prefix.
func tagOf(st reflect.StructTag, use string) (tag, error) {
	text, ok := st.Lookup("redis")
	if ok || use == "" {
		return parseTag(text, ok)
	}
	text, ok = st.Lookup(use)
	return parseForeign(text, ok, use), nil
}

// parseForeign reads a tag of another package. Its options, but for those that leave a field
// out, are for that package alone.
func parseForeign(text string, ok bool, key string) tag {
	name, rest, _ := strings.Cut(text, ",")
	t := tag{present: ok, skip: text == "-", name: name, foreign: true}
	for option := range strings.SplitSeq(rest, ",") {
		t.omitempty = t.omitempty || option == "omitempty"
		t.omitzero = t.omitzero || option == "omitzero"
	}
	switch key {
	case "json":
		t.fallback = &tag{json: true}
	case "msgpack":
		t.fallback = &tag{msgpack: true}
	}
	return t
}

func parseTag(text string, ok bool) (tag, error) {
	if text == "-" {
		return tag{present: true, skip: true}, nil
	}
	name, rest, _ := strings.Cut(text, ",")
	t := tag{present: ok, name: name}
	for option := range strings.SplitSeq(rest, ",") {
		switch option {
		case "":
		case "omitempty":
			t.omitempty = true
		case "inline":
			t.inline = true
		case "json":
			t.json = true
		case "msgpack":
			t.msgpack = true
		default:
			return t, fmt.Errorf("its tag has the unknown option %q; the options are omitempty, inline, json and msgpack", option)
		}
	}
	return t, t.check()
}

func (t tag) check() error {
	switch {
	case t.json && t.msgpack, t.inline && t.json, t.inline && t.msgpack:
		return fmt.Errorf("its tag asks for two forms; keep one of inline, json and msgpack")
	case t.inline && t.omitempty:
		return fmt.Errorf("its tag joins inline and omitempty; put omitempty on the fields of the inlined struct")
	}
	return nil
}
