package hashmap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/asidecache/aside/codec"
)

// A plan is the result of Of for a struct type.
type plan struct {
	fields []field          // in the order of their declaration
	index  map[string]int32 // name to index of fields
	always []uint64         // a bit for each field without which a hash is outdated
}

// planOf maps the struct type t. Fields without a redis tag have the tag of the key use, if
// that is not empty. The error joins everything that is wrong. With missingAreZero no hash is
// outdated.
func planOf(t reflect.Type, use string, missingAreZero bool) (*plan, error) {
	b := builder{use: use, missingAreZero: missingAreZero}
	b.walk(t, place{path: typeName(t), within: []reflect.Type{t}})
	fields := b.choose()
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("hashmap: %s has no exported field to map; export one, or cache a value without fields by codec.Text", typeName(t))
	}
	p := &plan{fields, make(map[string]int32, len(fields)), make([]uint64, (len(fields)+63)/64)}
	for i, f := range fields {
		p.index[string(f.name)] = int32(i)
		if f.always {
			p.always[i/64] |= 1 << (i % 64)
		}
	}
	return p, nil
}

func typeName(t reflect.Type) string {
	if t.Name() == "" {
		return "struct"
	}
	return t.Name()
}

// A builder collects the fields of a struct and of the structs inlined in it.
type builder struct {
	use            string // key of the tag of fields without a redis tag
	missingAreZero bool
	found          []candidate
	problems       []error
}

// A candidate is a field that may be hidden by another of its name.
type candidate struct {
	field
	depth int
	err   error // it has no stored form
}

// A place is a struct within T.
type place struct {
	path   string // User.Address
	prefix string // of the names of its fields
	offset uintptr
	via    []hop
	depth  int            // how many embedded structs it is in
	within []reflect.Type // the structs it is in, and itself
}

func (b *builder) report(path string, err error) {
	// Joined problems become sentences of their own, each with the path.
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			b.report(path, err)
		}
		return
	}
	b.problems = append(b.problems, fmt.Errorf("hashmap: %s: %w", path, err))
}

func (b *builder) walk(t reflect.Type, at place) {
	for f := range t.Fields() {
		path := at.path + "." + f.Name
		tag, err := tagOf(f.Tag, b.use)
		switch {
		case err != nil:
			b.report(path, err)
			continue
		case tag.skip:
			continue
		}
		inline, err := inlines(f, tag)
		switch {
		case err != nil:
			b.report(path, err)
		case inline:
			b.inline(f, tag, at)
		case f.IsExported():
			b.add(f, tag, at)
		case tag.present:
			b.report(path, errors.New("an unexported field cannot be stored; export it, or drop its tag"))
		}
	}
}

// inlines reports whether the fields of f, a struct, are fields of the hash: if its tag says
// so, or if it is embedded and nothing says otherwise.
func inlines(f reflect.StructField, tag tag) (bool, error) {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case tag.inline && t.Kind() != reflect.Struct:
		return false, fmt.Errorf("its tag says inline, but a %v is no struct; %s", f.Type, wayOut)
	case tag.inline:
		return f.Anonymous || f.IsExported(), nil
	case !f.Anonymous, t.Kind() != reflect.Struct, tag.name != "", tag.json, tag.msgpack:
		return false, nil
	}
	if _, err := codec.ScalarOf(t); err == nil && f.IsExported() {
		return false, isWhole(f.Name, t)
	}
	if tag.omitempty && !tag.foreign {
		return false, errors.New("omitempty leaves out no embedded struct; put it on the fields of the struct, or name the struct in its tag")
	}
	return true, nil
}

// isWhole checks that an embedded struct with a text form, a time.Time say, has
// no fields that could be meant instead.
func isWhole(name string, t reflect.Type) error {
	for f := range t.Fields() {
		if f.IsExported() {
			return fmt.Errorf("the embedded %v has fields and text methods; say which of them is stored: `redis:\",inline\"` or `redis:%q`", t, name)
		}
	}
	return nil
}

// inline adds the fields of f, a struct or a pointer to one.
func (b *builder) inline(f reflect.StructField, tag tag, at place) {
	t := f.Type
	in := place{path: at.path + "." + f.Name, prefix: at.prefix + tag.name, via: at.via, offset: at.offset + f.Offset, depth: at.depth}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		in.via = append(slices.Clone(in.via), hop{in.offset, t})
		in.offset = 0
	}
	if f.Anonymous {
		in.depth++ // Go's rule hides what is embedded deeper; what a tag inlines is not embedded
	}
	if slices.Contains(at.within, t) {
		b.report(in.path, fmt.Errorf("a %v is inlined in itself, without end; %s", t, wayOut))
		return
	}
	in.within = append(at.within, t) // depth first: siblings may share it
	before := len(b.problems) + len(b.found)
	b.walk(t, in)
	if tag.inline && before == len(b.problems)+len(b.found) {
		b.report(in.path, fmt.Errorf("a %v has no exported field to inline; %s", t, wayOut))
	}
}

func (b *builder) add(f reflect.StructField, tag tag, at place) {
	name := tag.name
	if name == "" {
		name = f.Name
	}
	c := candidate{depth: at.depth}
	c.name = []byte(at.prefix + name)
	c.path = at.path + "." + f.Name
	c.via, c.offset = at.via, at.offset+f.Offset
	c.typ = f.Type
	c.empty = emptyOf(f.Type, tag)
	c.value, c.elem, c.err = valueOf(f.Type, tag)
	c.always = c.empty == nil && c.via == nil
	if b.missingAreZero {
		c.always, c.value = false, withMissingZero(c.value)
	}
	c.shorten()
	b.found = append(b.found, c)
}

// choose returns the fields that are not hidden by one of their name that is
// embedded less deeply, and reports those that share a name or have no form.
func (b *builder) choose() []field {
	least := map[string]int{}
	for _, c := range b.found {
		if depth, ok := least[string(c.name)]; !ok || c.depth < depth {
			least[string(c.name)] = c.depth
		}
	}
	var fields []field
	for _, c := range b.found {
		if c.depth > least[string(c.name)] {
			continue
		}
		fields = append(fields, c.field)
		if c.err != nil {
			b.report(c.path, c.err)
		}
	}
	b.reportDuplicates(fields)
	return fields
}

func (b *builder) reportDuplicates(fields []field) {
	paths := map[string][]string{}
	for _, f := range fields {
		paths[string(f.name)] = append(paths[string(f.name)], f.path)
	}
	for _, f := range fields {
		if same := paths[string(f.name)]; len(same) > 1 && same[0] == f.path {
			b.problems = append(b.problems, fmt.Errorf("hashmap: %s are all stored as %q; give each a name of its own in its tag, or leave it out with `redis:\"-\"`",
				strings.Join(same, " and "), f.name))
		}
	}
}

// names lists the fields' names for an error.
func (pl *plan) names() string {
	var list []string
	for _, f := range pl.fields {
		list = append(list, strconv.Quote(string(f.name)))
	}
	return strings.Join(list, ", ")
}
