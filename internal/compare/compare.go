package compare

import (
	"math"
	"reflect"
	"slices"
	"time"
	"unsafe"
)

// Same reports whether two values of one type are the same. NaN is the same as NaN, and what is
// nil the same as a slice or a map without elements.
func Same(a, b reflect.Value) bool { return new(comparison).same(a, b) }

// maxFields bounds the names that Fields returns.
const maxFields = 32

// Fields names the fields in which two values of one type differ, if these are structs, or point to
// some: each by its path, as "Address.City", and 32 at most.
func Fields(a, b reflect.Value) []string {
	n := naming{seen: make(map[pair]struct{})}
	n.add("", 0, a, b)
	return n.names
}

// A naming is the names that were found so far, and the pointers that were followed.
type naming struct {
	names []string
	seen  map[pair]struct{}
}

func (n *naming) add(path string, depth int, a, b reflect.Value) {
	if len(n.names) == maxFields || Same(a, b) {
		return
	}
	before := len(n.names)
	switch {
	case depth == maxNested || !a.IsValid() || !b.IsValid():
	case a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil():
		at := pair{a: a.UnsafePointer(), b: b.UnsafePointer(), t: a.Type()}
		if _, again := n.seen[at]; again {
			return
		}
		n.seen[at] = struct{}{}
		n.add(path, depth+1, a.Elem(), b.Elem())
	case a.Kind() == reflect.Struct && a.Type() != timeType:
		for i := range a.NumField() {
			n.addField(path, depth, a.Type().Field(i), a.Field(i), b.Field(i))
		}
	}
	if len(n.names) == before && path != "" {
		n.names = append(n.names, path)
	}
}

// addField is add for one field. Those of an embedded struct have no name before theirs.
func (n *naming) addField(path string, depth int, f reflect.StructField, a, b reflect.Value) {
	own := f.Name
	if path != "" {
		own = path + "." + f.Name
	}
	if !f.Anonymous {
		n.add(own, depth+1, a, b)
		return
	}
	before := len(n.names)
	n.add(path, depth+1, a, b)
	switch {
	case len(n.names) == before && !Same(a, b) && before < maxFields:
		n.names = append(n.names, own)
	case len(n.names) == before+1 && n.names[before] == path: // by none of its fields
		n.names[before] = own
	}
}

const (
	maxNested = 16   // structs, of which fields are named
	maxDepth  = 1000 // of references, beyond which values count as the same
	maxLost   = 1000 // entries of a map that are not found by their keys
)

// A comparison knows what it compares, as values may refer to themselves.
type comparison struct {
	seen  map[pair]struct{}
	depth int
}

// A pair is two references that were compared, or are being.
type pair struct {
	a, b unsafe.Pointer
	n    int
	t    reflect.Type
}

var timeType = reflect.TypeFor[time.Time]()

func (c *comparison) same(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return a.Uint() == b.Uint()
	case reflect.Float32, reflect.Float64:
		return sameFloat(a.Float(), b.Float())
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		return sameFloat(real(x), real(y)) && sameFloat(imag(x), imag(y))
	case reflect.String:
		return a.String() == b.String()
	case reflect.Interface:
		return c.same(a.Elem(), b.Elem())
	case reflect.Pointer:
		return a.Pointer() == b.Pointer() || !a.IsNil() && !b.IsNil() &&
			c.inside(a, b, func() bool { return c.same(a.Elem(), b.Elem()) })
	case reflect.Slice:
		return a.Len() == b.Len() && (a.Len() == 0 || c.inside(a, b, func() bool { return c.sameElements(a, b) }))
	case reflect.Array:
		return c.sameElements(a, b)
	case reflect.Map:
		return a.Len() == b.Len() && (a.Len() == 0 || c.inside(a, b, func() bool { return c.sameEntries(a, b) }))
	case reflect.Struct:
		return c.sameStruct(a, b)
	}
	return true // no codec stores functions and channels
}

// sameFloat reports whether two numbers are the same; no number is the same as no number.
func sameFloat(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// inside calls same for what two values refer to, unless that was done: what is not the same ends
// the comparison.
func (c *comparison) inside(a, b reflect.Value, same func() bool) bool {
	at := pair{a: a.UnsafePointer(), b: b.UnsafePointer(), t: a.Type()}
	if a.Kind() == reflect.Slice {
		at.n = a.Len()
	}
	if _, again := c.seen[at]; again || c.depth == maxDepth {
		return true
	}
	if c.seen == nil {
		c.seen = make(map[pair]struct{})
	}
	c.seen[at] = struct{}{}
	c.depth++
	defer func() { c.depth-- }()
	return same()
}

func (c *comparison) sameElements(a, b reflect.Value) bool {
	for i := range a.Len() {
		if !c.same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

// sameEntries compares maps of one size. Keys that are the same may not be found by each other:
// pointers, and moments in another time zone.
func (c *comparison) sameEntries(a, b reflect.Value) bool {
	var lost []entry
	for all := a.MapRange(); all.Next(); {
		switch other := b.MapIndex(all.Key()); {
		case !other.IsValid():
			lost = append(lost, entry{all.Key(), all.Value()})
		case !c.same(all.Value(), other):
			return false
		}
	}
	if len(lost) == 0 {
		return true
	}
	if isPlain(a.Type().Key().Kind()) || len(lost) > maxLost {
		return false
	}
	var others []entry
	for all := b.MapRange(); all.Next(); {
		if !a.MapIndex(all.Key()).IsValid() {
			others = append(others, entry{all.Key(), all.Value()})
		}
	}
	for _, one := range lost {
		i := slices.IndexFunc(others, func(other entry) bool { return c.sameEntry(one, other) })
		if i < 0 {
			return false
		}
		others = slices.Delete(others, i, i+1)
	}
	return true
}

// An entry is one of a map.
type entry struct{ key, value reflect.Value }

// sameEntry is a comparison of its own, as another one may follow.
func (c *comparison) sameEntry(a, b entry) bool {
	own := comparison{depth: c.depth}
	return own.same(a.key, b.key) && own.same(a.value, b.value)
}

// isPlain reports whether values of a kind are equal if they are the same.
func isPlain(k reflect.Kind) bool { return k <= reflect.Uintptr || k == reflect.String }

func (c *comparison) sameStruct(a, b reflect.Value) bool {
	if a.Type() == timeType && a.CanInterface() && b.CanInterface() {
		return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
	}
	for i := range a.NumField() {
		if !c.same(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}
