package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strings"
)

// packFields is the plan of a struct.
type packFields struct {
	all     []packField    // those that are written, in order, then those that are only read
	written int            // how many are written
	index   map[string]int // by name, into all
	array   bool           // written as an array
	omits   bool           // some field has omitempty
	needed  int            // behind the last that is always written
	names   int            // how long the names are together that a value has
}

// A packField is a field of a struct, or of a struct embedded in it.
type packField struct {
	name string
	key  string    // the name as it is written
	word uint64    // if that has at most 8 bytes: these, in little-endian order
	mask uint64    // and their bits
	via  []packHop // embedded pointers to follow, outermost first
	off  uintptr   // from there
	omit bool      // omitempty
	node *packNode

	always   bool // it is written whatever the value is
	before   int  // how many of the fields before it are always written
	from, to int  // of one that is only read: the fields that it stands for
}

// A packHop is an embedded pointer to a struct.
type packHop struct {
	off  uintptr
	elem reflect.Type
}

func isPacked(f reflect.StructField) bool { return f.IsExported() || f.Anonymous }

// structFields lists the fields of the struct t with the rules of the library. A
// field that is embedded as a whole can be read under its own name as well, which
// is how older structs or ones with noinline wrote it.
func (c *packCompiler) structFields(t reflect.Type, path string) *packFields {
	if slices.Contains(c.inlined, t) {
		c.refuse(path, t, "it embeds itself; give the field the tag `msgpack:\",noinline\"`")
		return &packFields{}
	}
	c.inlined = append(c.inlined, t)
	defer func() { c.inlined = c.inlined[:len(c.inlined)-1] }()

	fs := &packFields{index: make(map[string]int)}
	var readOnly []packField // by index -1, -2 and so on
	also := func(name string, f packField) {
		if _, taken := fs.index[name]; !taken {
			readOnly = append(readOnly, f)
			fs.index[name] = -len(readOnly)
		}
	}
	omitAll := false
	for i := range t.NumField() {
		f := t.Field(i)
		at := path + "." + f.Name
		tag, ok := parsePackTag(f.Tag.Get("msgpack"))
		if !ok {
			c.refuse(at, f.Type, "quotes, backslashes and parentheses in the msgpack tag are not supported")
		}
		if tag.name == "-" {
			continue
		}
		if f.Name == "_msgpack" {
			fs.array = tag.has("as_array") || tag.has("asArray")
			omitAll = tag.has("omitempty")
		}
		if !isPacked(f) {
			continue
		}
		if tag.has("intern") {
			c.refuse(at, f.Type, "interned strings are not supported; drop the tag's intern")
		}
		if tag.name == "" {
			tag.name = f.Name
		}
		if inner := c.inlineable(fs, f, tag, at); inner != nil {
			from := len(fs.all)
			fs.inline(inner, f)
			if len(inner.all) > 0 {
				whole := packField{name: tag.name, off: f.Offset, node: c.plan(f.Type, at)}
				whole.from, whole.to = from, len(fs.all)
				also(tag.name, whole)
			}
			continue
		}
		field := packField{name: tag.name, off: f.Offset, omit: omitAll || tag.has("omitempty"), node: c.node(f.Type, at)}
		if i, taken := fs.index[field.name]; taken && i >= 0 {
			c.refuse(at, f.Type, "another field is written as %q as well; name one of them otherwise by a tag", field.name)
		}
		fs.add(field)
		if alias, ok := tag.options["alias"]; ok {
			field.from, field.to = len(fs.all)-1, len(fs.all)
			also(alias, field)
		}
	}
	fs.finish(readOnly)
	return fs
}

// appendKey appends the name. A short one is a word, cut to its length, where
// dst has space for the word: one store in place of a call.
func (f *packField) appendKey(dst []byte) []byte {
	if f.mask == 0 || cap(dst)-len(dst) < 8 {
		return append(dst, f.key...)
	}
	return binary.LittleEndian.AppendUint64(dst, f.word)[:len(dst)+len(f.key)]
}

// isKey reports whether b begins with the name as it is written.
func (f *packField) isKey(b []byte) bool {
	if f.mask != 0 && len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)&f.mask == f.word
	}
	return len(b) >= len(f.key) && string(b[:len(f.key)]) == f.key
}

func (fs *packFields) add(f packField) {
	fs.index[f.name] = len(fs.all)
	fs.all = append(fs.all, f)
	fs.omits = fs.omits || f.omit
}

// finish adds the fields that are only read, whose indexes count down from -1.
func (fs *packFields) finish(readOnly []packField) {
	for name, i := range fs.index {
		if i < 0 {
			fs.index[name] = len(fs.all) - 1 - i
		}
	}
	fs.written = len(fs.all)
	fs.all = append(fs.all, readOnly...)
	for i := range fs.all {
		f := &fs.all[i]
		f.key = string(appendString(nil, f.name))
		if i < fs.written && !fs.array {
			fs.names += len(f.name)
		}
		if n := len(f.key); n <= 8 {
			var word [8]byte
			copy(word[:], f.key)
			f.word = binary.LittleEndian.Uint64(word[:])
			f.mask = math.MaxUint64 >> (64 - 8*n)
		}
	}
	fs.countAlways()
}

// countAlways finds out which fields are always written: of an embedded pointer that is nil
// nothing is, where the struct leaves out fields.
func (fs *packFields) countAlways() {
	count := 0
	for i := range fs.all {
		f := &fs.all[i]
		f.before = count
		f.always = i < fs.written && !f.omit && !(fs.omits && f.via != nil)
		if f.always {
			count++
			fs.needed = i + 1
		}
	}
}

// missing returns the name of the first field that is always written and that is in passed or
// not before next, empty for none.
func (fs *packFields) missing(passed *fieldSet, next int) string {
	for i := range fs.needed {
		if f := &fs.all[i]; f.always && (i >= next || passed.has(i)) {
			return f.name
		}
	}
	return ""
}

// inlineable returns the fields of the embedded struct f if they are to be fields
// of the struct around it, fs, and nil if not: f is then a field like others. A
// struct that has a name that fs already has is inlined only where the tag says
// so, without that name.
func (c *packCompiler) inlineable(fs *packFields, f reflect.StructField, tag packTag, path string) *packFields {
	if !f.Anonymous || tag.has("noinline") {
		return nil
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || c.plan(t, path).op != packStruct {
		if tag.has("inline") {
			c.refuse(path, f.Type, "only structs without encoding methods of their own can be inlined")
		}
		return nil
	}
	inner := c.structFields(t, path)
	shadowed := func(f packField) bool {
		_, taken := fs.index[f.name]
		return taken
	}
	own := inner.all[:inner.written]
	if !tag.has("inline") && slices.ContainsFunc(own, shadowed) {
		return nil
	}
	inner.all = slices.DeleteFunc(slices.Clone(own), shadowed)
	return inner
}

// inline adds the fields of a struct that is embedded as f.
func (fs *packFields) inline(inner *packFields, f reflect.StructField) {
	for _, field := range inner.all {
		field.via = slices.Clone(field.via) // nil stays nil
		switch {
		case f.Type.Kind() == reflect.Pointer:
			field.via = slices.Insert(field.via, 0, packHop{f.Offset, f.Type.Elem()})
		case len(field.via) > 0:
			field.via[0].off += f.Offset
		default:
			field.off += f.Offset
		}
		fs.add(field)
	}
}

// A packTag is a parsed struct tag: a name, then options, some with a value, as
// in "id,omitempty,alias:key".
type packTag struct {
	name    string
	options map[string]string
}

func (t packTag) has(option string) bool {
	_, ok := t.options[option]
	return ok
}

// parsePackTag reads a tag as the library does, but for quoting, of which it
// reports false.
func parsePackTag(s string) (packTag, bool) {
	t := packTag{options: make(map[string]string)}
	for i, part := range strings.Split(s, ",") {
		option, value, valued := strings.Cut(part, ":")
		switch {
		case i == 0 && !valued:
			t.name = strings.TrimSpace(part)
		default:
			t.options[strings.TrimSpace(option)] = strings.TrimSpace(value)
		}
	}
	return t, !strings.ContainsAny(s, `'\(`)
}
