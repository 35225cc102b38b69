package hashmap

import (
	"fmt"
	"reflect"
	"strings"
)

// A tag is what a field's `redis` tag says.
type tag struct {
	present bool // there is one, be it empty
	skip    bool // "-"
	name    string

	omitempty, inline, json, msgpack bool
}

// parseTag reads the tag of a field. The error has no prefix.
func parseTag(st reflect.StructTag) (tag, error) {
	text, ok := st.Lookup("redis")
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
