package hashmap

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// A Mapping stores the fields of a T, a struct or a pointer to one, as the
// fields of a Redis hash. It is made by Of, implements codec.Codec and
// codec.Checker, and is safe for concurrent use.
type Mapping[T any] struct {
	plan  *plan
	strct reflect.Type // T, or what T points to
	isPtr bool
	tag   string // that UseTag names, empty for none
}

// Of makes the mapping of T, by the rules in the documentation of the package. All
// fields that cannot be mapped are reported at once, joined into one error: each
// with its path (User.Address.Geo) and a way out.
//
// Of reads redis tags and no others: every field of a struct whose fields have only json
// tags is stored under its Go name. UseTag makes it read other tags.
//
// Of is meant to be called once for each type, when a program starts: it does all the
// reflection.
func Of[T any](opts ...Option) (*Mapping[T], error) {
	use, err := tagKey(opts)
	if err != nil {
		return nil, err
	}
	t := reflect.TypeFor[T]()
	m := &Mapping[T]{strct: t, tag: use}
	if t.Kind() == reflect.Pointer {
		m.strct, m.isPtr = t.Elem(), true
	}
	if m.strct.Kind() != reflect.Struct {
		return nil, fmt.Errorf("hashmap: type %v is neither a struct nor a pointer to one; use a codec, such as codec.Text or codec.Msgpack", t)
	}
	if m.plan, err = planOf(m.strct, use, missingAreZero(opts)); err != nil {
		return nil, err
	}
	return m, nil
}

// MustOf is Of for package variables. It panics where Of returns an error.
func MustOf[T any](opts ...Option) *Mapping[T] {
	m, err := Of[T](opts...)
	if err != nil {
		panic(err)
	}
	return m
}

// Check implements codec.Checker: a Mapping that Of did not make is an error.
func (m *Mapping[T]) Check() error {
	if m == nil || m.plan == nil {
		return errNotMade
	}
	return nil
}

var errNotMade = errors.New("hashmap: this mapping or field was not made by Of or FieldOf; a zero one stores nothing")

// String returns the call that makes the mapping, such as
// hashmap.Of[main.User](hashmap.UseTag("json")), without options that change nothing of what is
// stored.
func (m *Mapping[T]) String() string {
	option := ""
	if m != nil && m.tag != "" {
		option = fmt.Sprintf("hashmap.UseTag(%q)", m.tag)
	}
	return fmt.Sprintf("hashmap.Of[%v](%s)", reflect.TypeFor[T](), option)
}

// Shape returns codec.ShapeHash.
func (m *Mapping[T]) Shape() codec.Shape { return codec.ShapeHash }

// Encode implements codec.Codec: it adds a span for each field of *v, in the
// order of their declaration, but for those that are left out. A T that is a nil
// pointer is an error. Encode does not allocate once w has grown, apart from
// what a field's own methods, JSON or msgpack do.
func (m *Mapping[T]) Encode(w *codec.Wire, v *T) error {
	if err := m.Check(); err != nil {
		return err
	}
	p := unsafe.Pointer(v)
	if m.isPtr {
		if p = *(*unsafe.Pointer)(p); p == nil {
			return fmt.Errorf("hashmap: a nil *%s is no value to store; return loader.ErrNotFound for what does not exist", typeName(m.strct))
		}
	}
	return m.plan.encode(w, p)
}

// Decode implements codec.Codec: it sets the fields of *v from the spans of w,
// which may come in any order. A name that T does not have is ignored, so that programs with an
// older and a newer T can share a cache. A field that w does not have stays zero if it may be
// left out: if it is a pointer or in an inlined one, or if it has omitempty. Any other makes
// the hash one of another version of T, a codec.ErrOutdated, unless MissingFieldsAreZero is
// given. Of two spans with one name the last wins. A T that is a pointer is always allocated.
//
// A field whose bytes cannot be read is an error that names the field; *v is
// then set in part. Decode allocates what *v keeps, apart from what a field's own
// methods, JSON or msgpack do.
func (m *Mapping[T]) Decode(w *codec.Wire, v *T) error {
	if err := m.Check(); err != nil {
		return err
	}
	p := unsafe.Pointer(v)
	if m.isPtr {
		to := reflect.New(m.strct).UnsafePointer()
		*(*unsafe.Pointer)(p) = to
		p = to
	}
	return m.plan.decode(w, p)
}

// encode adds the fields of the struct at p.
func (pl *plan) encode(w *codec.Wire, p unsafe.Pointer) error {
	for i := range pl.fields {
		f := &pl.fields[i]
		switch {
		case f.text:
			w.Keep(f.name, append(w.Scratch(), *(*string)(unsafe.Add(p, f.offset))...))
		case f.writer != nil:
			b, err := f.writer.Append(w.Scratch(), unsafe.Add(p, f.offset))
			if err != nil {
				return f.failed(err)
			}
			w.Keep(f.name, b)
		default:
			if err := f.encode(w, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// decode sets the fields of the zero struct at p.
func (pl *plan) decode(w *codec.Wire, p unsafe.Pointer) error {
	var few [4]uint64 // a bit for each field that was set
	set := few[:]
	if len(pl.always) > len(few) {
		set = make([]uint64, len(pl.always))
	}
	fresh := 0 // fields from here on have not been set
	for i := range w.Len() {
		n := pl.find(w.Name(i), fresh)
		if n < 0 {
			continue
		}
		f := &pl.fields[n]
		switch {
		case f.text:
			*(*string)(unsafe.Add(p, f.offset)) = string(w.Value(i))
		case f.reader != nil && n >= fresh:
			if err := f.reader.Parse(w.Value(i), unsafe.Add(p, f.offset)); err != nil {
				return f.failed(err)
			}
		default:
			if err := f.decode(w.Value(i), p, n < fresh); err != nil {
				return err
			}
		}
		fresh = max(fresh, n+1)
		set[n/64] |= 1 << (n % 64)
	}
	for i, always := range pl.always {
		if missing := always &^ set[i]; missing != 0 {
			return pl.fields[64*i+bits.TrailingZeros64(missing)].outdated()
		}
	}
	return nil
}

// find returns the index of the field with this name, or -1. The likely one is
// tried first: Redis keeps the fields of a small hash in the order they came in.
func (pl *plan) find(name []byte, likely int) int {
	if likely < len(pl.fields) && string(pl.fields[likely].name) == string(name) {
		return likely
	}
	if n, ok := pl.index[string(name)]; ok {
		return int(n)
	}
	return -1
}
