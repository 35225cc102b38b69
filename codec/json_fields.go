package codec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
)

// JSONFields says which fields encoding/json always writes of a type and of the types in it. It
// is safe for concurrent use.
type JSONFields struct {
	typ  reflect.Type
	node *jsonNode // nil: there is nothing to look for
}

// JSONFieldsOf returns the JSONFields of t.
func JSONFieldsOf(t reflect.Type) *JSONFields {
	if known, ok := jsonFields.Load(t); ok {
		return known.(*JSONFields)
	}
	c := jsonCompiler{nodes: map[reflect.Type]*jsonNode{}}
	node := c.node(t)
	if !node.needs(map[*jsonNode]bool{}) {
		node = nil
	}
	known, _ := jsonFields.LoadOrStore(t, &JSONFields{t, node})
	return known.(*JSONFields)
}

// jsonFields has the *JSONFields of each reflect.Type that was asked for.
var jsonFields sync.Map

// Check returns an ErrOutdated if src, which json.Unmarshal has read into a variable of the type,
// lacks a field that is always written.
func (f *JSONFields) Check(src []byte) error {
	if f.node == nil {
		return nil
	}
	s := jsonScan{b: src}
	if s.value(f.node) {
		return nil
	}
	return outdated("JSON", f.typ, s.missing)
}

// A jsonNode is what is known of one type: nil of one in which nothing is looked for.
type jsonNode struct {
	elem   *jsonNode // of a slice, array or map
	fields []jsonMember
	index  map[string]int // by name, into fields
	needed int            // behind the last of them that is always written
}

// A jsonMember is a field of a struct.
type jsonMember struct {
	name   string
	key    []byte // as it is written: "name":
	node   *jsonNode
	always bool
}

// needs reports whether some field in the node is always written.
func (n *jsonNode) needs(seen map[*jsonNode]bool) bool {
	if n == nil || seen[n] {
		return false
	}
	seen[n] = true
	if n.needed > 0 || n.elem.needs(seen) {
		return true
	}
	for _, f := range n.fields {
		if f.node.needs(seen) {
			return true
		}
	}
	return false
}

// A jsonCompiler plans a type and the types in it, which may be recursive.
type jsonCompiler struct{ nodes map[reflect.Type]*jsonNode }

func (c *jsonCompiler) node(t reflect.Type) *jsonNode {
	if pointsToItself(t) {
		return nil
	}
	for t.Kind() == reflect.Pointer && !hasJSONMethods(t) {
		t = t.Elem()
	}
	if n, ok := c.nodes[t]; ok {
		return n
	}
	if t.Kind() == reflect.Pointer || hasJSONMethods(t) {
		return nil
	}
	n := &jsonNode{}
	c.nodes[t] = n
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		n.elem = c.node(t.Elem())
	case reflect.Struct:
		c.members(n, t)
	}
	return n
}

// hasJSONMethods reports whether a t or a pointer to one has methods that json may call.
func hasJSONMethods(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshaler) || p.Implements(jsonUnmarshaler) ||
		p.Implements(textMarshaler) || p.Implements(textUnmarshaler) ||
		t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

// jsonFieldsIn returns the fields that json writes of the struct t, in order.
func jsonFieldsIn(t reflect.Type) []jsonField {
	var w jsonWalk
	all := w.list(nil, t, true, true, "", nil)
	byName := map[string][]jsonField{}
	for _, f := range all {
		byName[f.name] = append(byName[f.name], f)
	}
	return slices.DeleteFunc(all, func(f jsonField) bool {
		same := dominant(byName[f.name])
		return len(same) != 1 || same[0].path != f.path
	})
}

func (c *jsonCompiler) members(n *jsonNode, t reflect.Type) {
	n.index = map[string]int{}
	for _, f := range jsonFieldsIn(t) {
		m := jsonMember{name: f.name, key: []byte(`"` + f.name + `":`), node: c.node(f.typ), always: f.always}
		n.index[f.name] = len(n.fields)
		n.fields = append(n.fields, m)
		if m.always {
			n.needed = len(n.fields)
		}
	}
}

// A jsonScan looks for fields in well-formed JSON.
type jsonScan struct {
	b       []byte
	pos     int
	missing string // the path to a field, after value has returned false
}

// maxJSONPath is about how long a path to a missing field becomes: json nests deeply.
const maxJSONPath = 100

// space moves behind white space.
func (s *jsonScan) space() byte {
	for s.b[s.pos] <= ' ' {
		s.pos++
	}
	return s.b[s.pos]
}

// value moves behind the next value. It reports false if a field is missing in it.
func (s *jsonScan) value(n *jsonNode) bool {
	c := s.b[s.pos]
	if c <= ' ' {
		c = s.space()
	}
	switch {
	case c == '"':
		s.text()
	case c == '{' && n != nil && n.fields != nil:
		return s.object(n)
	case c == '{' && n != nil && n.elem != nil:
		return s.entries(n.elem)
	case c == '[' && n != nil && n.elem != nil:
		return s.elements(n.elem)
	case c == '{' || c == '[':
		s.skip()
	default:
		at := s.pos
		for at < len(s.b) && !isJSONEnd[s.b[at]] {
			at++
		}
		s.pos = at
	}
	return true
}

// isJSONEnd has the bytes that may stand behind a number or a literal.
var isJSONEnd = [256]bool{',': true, '}': true, ']': true, ' ': true, '\t': true, '\r': true, '\n': true}

// text moves behind a string, and returns what is between its quotes.
func (s *jsonScan) text() []byte {
	s.pos++
	start := s.pos
	for {
		s.pos += bytes.IndexByte(s.b[s.pos:], '"') + 1
		if s.b[s.pos-2] != '\\' {
			return s.b[start : s.pos-1]
		}
		escapes := 0
		for at := s.pos - 2; at >= start && s.b[at] == '\\'; at-- {
			escapes++
		}
		if escapes%2 == 0 {
			return s.b[start : s.pos-1]
		}
	}
}

// skip moves behind an object or an array.
func (s *jsonScan) skip() {
	for depth := 0; ; {
		switch s.b[s.pos] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			s.text()
			continue
		}
		if s.pos++; depth == 0 {
			return
		}
	}
}

// more moves behind a comma, or behind what ends an object or an array: then it reports false.
func (s *jsonScan) more() bool {
	c := s.b[s.pos]
	if c <= ' ' {
		c = s.space()
	}
	s.pos++
	return c == ','
}

// begin moves behind what begins an object or an array. It reports false if that is empty, and
// moves behind the end.
func (s *jsonScan) begin() bool {
	s.pos++
	if c := s.space(); c == '}' || c == ']' {
		s.pos++
		return false
	}
	return true
}

func (s *jsonScan) elements(elem *jsonNode) bool {
	for more := s.begin(); more; more = s.more() {
		if !s.value(elem) {
			return false
		}
	}
	return true
}

func (s *jsonScan) entries(elem *jsonNode) bool {
	for more := s.begin(); more; more = s.more() {
		s.space()
		s.text()
		s.colon()
		if !s.value(elem) {
			return false
		}
	}
	return true
}

func (s *jsonScan) colon() {
	s.space()
	s.pos++
}

// object looks for the fields of a struct, each behind the one before, which is where json has
// written it, and then by name. Only then it keeps account of the fields that it passes over.
func (s *jsonScan) object(n *jsonNode) bool {
	next := 0
	var passed fieldSet // before next, always written, and not found yet
	for more := s.begin(); more; more = s.more() {
		i := next
		if s.b[s.pos] <= ' ' {
			s.space()
		}
		if i < len(n.fields) && bytes.HasPrefix(s.b[s.pos:], n.fields[i].key) {
			s.pos += len(n.fields[i].key)
		} else {
			i = n.find(s.text())
			s.colon()
		}
		if i < 0 { // an unknown field
			s.value(nil)
			continue
		}
		passed.remove(i)
		for ; next < i; next++ {
			if n.fields[next].always {
				passed.add(next)
			}
		}
		next = max(next, i+1)
		if !s.value(n.fields[i].node) {
			if len(s.missing) < maxJSONPath {
				s.missing = n.fields[i].name + "." + s.missing
			}
			return false
		}
	}
	if next >= n.needed && passed.low == 0 && passed.high == nil {
		return true
	}
	for i := range n.needed {
		if f := &n.fields[i]; f.always && (i >= next || passed.has(i)) {
			s.missing = f.name
			return false
		}
	}
	return true
}

// find returns the index of the field that json reads what has this name into, -1 for none.
func (n *jsonNode) find(name []byte) int {
	if i, ok := n.index[string(name)]; ok {
		return i
	}
	if bytes.IndexByte(name, '\\') >= 0 {
		var plain string
		if json.Unmarshal(append(append([]byte{'"'}, name...), '"'), &plain) != nil {
			return -1
		}
		if i, ok := n.index[plain]; ok {
			return i
		}
		name = []byte(plain)
	}
	for i := range n.fields {
		if bytes.EqualFold([]byte(n.fields[i].name), name) {
			return i
		}
	}
	return -1
}
