package hashmap

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// A field is one field of the struct and of the hash. Its methods work on a
// variable of the field's type, wherever that is.
type field struct {
	name   []byte  // in the hash
	offset uintptr // in the struct that via leads to

	// Shortcuts for value, via and elem, which most fields have: nil or false for the
	// others.
	text           bool // a string without methods that is never left out
	writer, reader *codec.Scalar

	via   []hop
	value value
	elem  reflect.Type                // what typ points to, if value is the form of that
	empty func(p unsafe.Pointer) bool // whether the variable is stored as no field; nil: never
	typ   reflect.Type
	path  string // in Go, for errors: User.Address.Geo

	always bool // a hash without it is of another version
}

// A hop is an inlined pointer to a struct on the way to a field.
type hop struct {
	offset uintptr
	to     reflect.Type
}

// in returns the field's variable in the struct at p, nil if an inlined pointer
// on the way is nil.
func (f *field) in(p unsafe.Pointer) unsafe.Pointer {
	for _, h := range f.via {
		if p = *(*unsafe.Pointer)(unsafe.Add(p, h.offset)); p == nil {
			return nil
		}
	}
	return unsafe.Add(p, f.offset)
}

// make returns the field's variable in the struct at p, and allocates the
// structs on the way that do not exist yet.
func (f *field) make(p unsafe.Pointer) unsafe.Pointer {
	for _, h := range f.via {
		next := (*unsafe.Pointer)(unsafe.Add(p, h.offset))
		if *next == nil {
			*next = reflect.New(h.to).UnsafePointer()
		}
		p = *next
	}
	return unsafe.Add(p, f.offset)
}

// shorten sets the shortcuts that the field has.
func (f *field) shorten() {
	s, ok := f.value.(scalar)
	if !ok || f.via != nil || f.elem != nil {
		return
	}
	f.reader = s.reader
	if f.empty == nil {
		f.writer = s.writer
		f.text = f.typ.Kind() == reflect.String && reflect.PointerTo(f.typ).NumMethod() == 0
	}
}

// encode adds the field of the struct at p to w.
func (f *field) encode(w *codec.Wire, p unsafe.Pointer) error {
	at := f.in(p)
	if at == nil {
		return nil
	}
	b, ok, err := f.append(w.Scratch(), at)
	if ok {
		w.Keep(f.name, b)
	}
	return err
}

// decode sets the field of the struct at p. again says that it may have been set.
func (f *field) decode(src []byte, p unsafe.Pointer, again bool) error {
	at := f.make(p)
	if again {
		f.clear(at)
	}
	return f.parse(src, at)
}

// append appends the variable's bytes to dst, unless it is stored as no field.
func (f *field) append(dst []byte, p unsafe.Pointer) (b []byte, ok bool, err error) {
	if f.empty != nil && f.empty(p) {
		return dst, false, nil
	}
	if f.elem != nil {
		p = *(*unsafe.Pointer)(p)
	}
	if b, err = f.value.Append(dst, p); err != nil {
		return dst, false, f.failed(err)
	}
	return b, true, nil
}

// parse sets the variable, which is zero, from src.
func (f *field) parse(src []byte, p unsafe.Pointer) error {
	if f.elem != nil {
		to := reflect.New(f.elem).UnsafePointer()
		*(*unsafe.Pointer)(p) = to
		p = to
	}
	if err := f.value.Parse(src, p); err != nil {
		return f.failed(err)
	}
	return nil
}

// clear sets the variable to zero.
func (f *field) clear(p unsafe.Pointer) {
	reflect.NewAt(f.typ, p).Elem().SetZero()
}

// outdated is the error of a hash without the field.
func (f *field) outdated() error {
	return fmt.Errorf("hashmap: a hash without %s, stored as %q: %w", f.path, f.name, codec.ErrOutdated)
}

func (f *field) failed(err error) error {
	return fmt.Errorf("hashmap: %s: %w", f.path, err)
}
